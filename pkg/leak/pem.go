package leak

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// keyWindow is how much of a key is looked at.
const keyWindow = 512

// pem looks at the heading at a place of the text, and at what follows it.
func (s *scanner) pem(at int) {
	b := s.text[at:min(len(s.text), at+keyWindow)]
	b = b[len("-----BEGIN "):]
	end := bytes.Index(b, []byte("-----"))
	if end < 0 || end > 40 || !bytes.HasSuffix(b[:end], []byte("PRIVATE KEY")) {
		return
	}
	label, body := string(b[:end]), string(b[end+5:])
	body = strings.NewReplacer(`\n`, "\n", `\r`, "").Replace(body)
	encrypted := label == "ENCRYPTED PRIVATE KEY"
	var data strings.Builder
	body, _, _ = strings.Cut(body, "-----END")
	for line := range strings.Lines(body) {
		line = strings.Trim(line, " \t\r\n\"',+")
		switch {
		case strings.HasPrefix(line, "Proc-Type:"):
			encrypted = encrypted || strings.Contains(line, "ENCRYPTED")
		case strings.Contains(line, ": "):
		case base64Text(line):
			data.WriteString(line)
		case line != "":
			return // something else: a program or a manual that has the heading
		}
	}
	const least = 40 // an Ed25519 key in PKCS #8 has 64
	if data.Len() < least {
		return
	}
	kind := "private key"
	if label == "OPENSSH PRIVATE KEY" {
		kind, encrypted = "private key of OpenSSH", sealed(data.String())
	}
	s.add(Leak{Kind: kind, Key: true, Encrypted: encrypted})
}

// sealed reads the name of the cipher from the beginning of a key of OpenSSH.
func sealed(data string) bool {
	const magic = "openssh-key-v1\x00"
	b, err := base64.StdEncoding.DecodeString(data[:min(len(data), 40)])
	return err == nil && strings.HasPrefix(string(b), magic) && len(b) > len(magic)+8 && string(b[len(magic)+4:len(magic)+8]) != "none"
}

func base64Text(s string) bool {
	for i := range len(s) {
		if c := s[i]; !alnum(c) && c != '+' && c != '/' && c != '=' {
			return false
		}
	}
	return s != ""
}

// putty looks at a key of PuTTY, whose cipher stands in the second line.
func (s *scanner) putty(at int) {
	b := s.text[at:min(len(s.text), at+keyWindow)]
	if i := bytes.Index(b, []byte("\nEncryption: ")); i >= 0 {
		s.add(Leak{Kind: "private key of PuTTY", Key: true, Encrypted: !bytes.HasPrefix(b[i+len("\nEncryption: "):], []byte("none"))})
	}
}
