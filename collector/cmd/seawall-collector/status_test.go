package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/collector/config"
)

// certificate makes one that signs itself, and returns its files.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	folder := t.TempDir()
	cert, key = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	pair, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"seawall.example.net"}}
	signed, err := x509.CreateCertificate(rand.Reader, form, form, pair.Public(), pair)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(pair)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: signed}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// TestStatusOfOwnCertificate believes the dashboard when it shows the certificate of
// the configuration, and no other.
func TestStatusOfOwnCertificate(t *testing.T) {
	folder := t.TempDir()
	cert, key := certificate(t)
	other, _ := certificate(t)
	startProgram(t, folder, "--dashboard-tls", "on", "--dashboard-cert", cert, "--dashboard-key", key)
	for file, want := range map[string]string{cert: "", other: "another certificate", "": "not the pinned one", "nosuch": "no such file"} {
		var err error
		// Its connection.json is there a moment before it answers.
		poll(func() bool {
			err = printStatus(t.Context(), config.Config{StateDir: folder, DashboardCert: file}, io.Discard)
			return err == nil || !strings.Contains(err.Error(), "connect")
		})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", file, err, want)
		}
	}
}
