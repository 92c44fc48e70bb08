package contact

import (
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"seawall/pkg/trust"
)

func TestReadWrite(t *testing.T) {
	folder := t.TempDir()
	if _, err := Read(folder); err == nil || !strings.Contains(err.Error(), "no collector has run on "+folder) {
		t.Error(err)
	}
	want := Contact{Pin: "p", Ingest: "[::]:1", Dashboard: "http://127.0.0.1:2/", Version: "v", Started: time.Unix(1, 0).UTC()}
	if err := want.Write(folder); err != nil {
		t.Fatal(err)
	}
	if got, err := Read(folder); err != nil || got != want {
		t.Errorf("%+v, %v", got, err)
	}
	if err := want.Write(filepath.Join(folder, File)); err == nil {
		t.Error("a file is a folder")
	}
	if err := os.WriteFile(filepath.Join(folder, File), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(folder); err == nil {
		t.Error("half of it is read")
	}
}

func TestAddresses(t *testing.T) {
	for ingest, want := range map[string]string{"10.0.0.5:9443": "10.0.0.5:9443", "[2001:db8::1]:1": "[2001:db8::1]:1", "[::]:9443": "", "0.0.0.0:1": "", "127.0.0.1:1": "", "[::1]:1": "", "x": "", "": ""} {
		if got := (Contact{Ingest: ingest}).Outside(); got != want {
			t.Errorf("%q: %q; want %q", ingest, got, want)
		}
	}
	for dashboard, want := range map[string]string{"http://127.0.0.1:8443/": "127.0.0.1:8443", "https://[::1]:1/": "[::1]:1", "https://10.0.0.5:1/": "", "/run/x.sock": "", "": ""} {
		if got := (Contact{Dashboard: dashboard}).Tunnel(); got != want {
			t.Errorf("%q: %q; want %q", dashboard, got, want)
		}
	}
	if !Loopback("localhost:1") || Loopback("localhost") || Loopback("example.net:1") {
		t.Error("localhost")
	}
}

// TestReady asks a dashboard that works, one that does not, and one of a stranger.
func TestReady(t *testing.T) {
	code := http.StatusOK
	answer := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
	plain, secure := httptest.NewServer(answer), httptest.NewTLSServer(answer)
	defer plain.Close()
	defer secure.Close()
	file := filepath.Join(t.TempDir(), "cert.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	pin := trust.Pin{1}.String()
	for _, c := range []struct {
		at          Contact
		certificate string
		code        int
		want        string
	}{
		{Contact{Dashboard: plain.URL + "/", Pin: pin}, "", 200, ""},
		{Contact{Dashboard: plain.URL + "/", Pin: pin}, "", 503, "answer 503"},
		{Contact{Dashboard: plain.URL, Pin: "x"}, "", 200, "pin"},
		{Contact{Dashboard: secure.URL + "/", Pin: pin}, "", 200, "certificate"},
		{Contact{Dashboard: secure.URL + "/", Pin: pin}, file, 200, ""},
		{Contact{Dashboard: secure.URL + "/", Pin: pin}, "contact.go", 200, "another certificate"},
		{Contact{Dashboard: "http://127.0.0.1:1/", Pin: pin}, "", 200, "refused"},
	} {
		code = c.code
		err := c.at.Ready(t.Context(), c.certificate)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v; want %q", c, err, c.want)
		}
	}
}
