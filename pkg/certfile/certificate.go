package certfile

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
)

const maxCertificates = 64

// ErrNone is returned for a file without what is sought in it.
var ErrNone = errors.New("there is none in the file")

// Certificates returns the certificates of a file, in its order.
func Certificates(data []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil {
			break
		}
		der := block.Bytes
		switch block.Type {
		case "CERTIFICATE", "X509 CERTIFICATE":
		case "TRUSTED CERTIFICATE": // OpenSSL's own, with what it is trusted for behind it
			var first asn1.RawValue
			if _, err := asn1.Unmarshal(der, &first); err != nil {
				return nil, fmt.Errorf("certificate %d: %w", len(all)+1, err)
			}
			der = first.FullBytes
		default:
			continue
		}
		if len(all) == maxCertificates {
			return nil, fmt.Errorf("more than %d certificates", maxCertificates)
		}
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, fmt.Errorf("certificate %d: %w", len(all)+1, err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("certificate: %w", ErrNone)
	}
	return all, nil
}

// Algorithm returns the kind of a certificate's key and its size in bits, 0 for
// kinds that nobody should use (DSA).
func Algorithm(c *x509.Certificate) (kind string, bits int) {
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		return "RSA", k.N.BitLen()
	case *ecdsa.PublicKey:
		return "ECDSA", k.Curve.Params().BitSize
	case ed25519.PublicKey:
		return "Ed25519", 256
	}
	return c.PublicKeyAlgorithm.String(), 0
}

// Weak names a signature's hash if it can be forged, else "".
func Weak(c *x509.Certificate) string {
	switch c.SignatureAlgorithm {
	case x509.MD2WithRSA:
		return "MD2"
	case x509.MD5WithRSA:
		return "MD5"
	case x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1:
		return "SHA-1"
	}
	return ""
}

// MustStaple reports whether a client is to insist on a stapled answer about the
// certificate's revocation (RFC 7633).
func MustStaple(c *x509.Certificate) bool {
	feature := asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 1, 24}
	for _, e := range c.Extensions {
		var features []int
		if !e.Id.Equal(feature) {
			continue
		}
		if _, err := asn1.Unmarshal(e.Value, &features); err == nil && slices.Contains(features, 5) {
			return true
		}
	}
	return false
}

// ForServers reports whether clients take the certificate from a server.
func ForServers(c *x509.Certificate) bool {
	if len(c.ExtKeyUsage) == 0 && len(c.UnknownExtKeyUsage) == 0 {
		return true
	}
	return slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageServerAuth) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny)
}

// Name is how people know a certificate's subject or issuer.
func Name(common string, organization []string, rest string) string {
	switch {
	case common != "":
		return common
	case len(organization) > 0:
		return organization[0]
	}
	return rest
}

// Covers reports whether the certificate is good for a host name, or for all of
// "*.example.org" or ".example.org". Only its alternative names count: clients
// stopped looking at the common name.
func Covers(c *x509.Certificate, name string) bool {
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if rest, ok := strings.CutPrefix(name, "."); ok {
		return Covers(c, rest) && Covers(c, "*."+rest)
	}
	if ip := net.ParseIP(strings.Trim(name, "[]")); ip != nil {
		return slices.ContainsFunc(c.IPAddresses, ip.Equal)
	}
	_, parent, _ := strings.Cut(name, ".")
	return slices.ContainsFunc(c.DNSNames, func(has string) bool {
		has = strings.ToLower(strings.TrimSuffix(has, "."))
		return has == name || parent != "" && has == "*."+parent
	})
}
