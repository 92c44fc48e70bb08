package reach

import (
	"errors"
	"testing"
)

// TestGuard: addresses of the metadata services of clouds are refused in whatever form.
func TestGuard(t *testing.T) {
	refusal := errors.New("refused")
	for address, refused := range map[string]bool{
		"169.254.169.254": true, "[::ffff:169.254.169.254]": true, "[64:ff9b::a9fe:a9fe]": true, "[2002:a9fe:a9fe::1]": true, "[::a9fe:a9fe]": true,
		"[fe80::1]": true, "[fe80::1%eth0]": true, "[fd00:ec2::254]": true, "100.100.100.200": true, "[::ffff:100.100.100.200]": true, "192.0.0.192": true, "168.63.129.16": true,
		"224.0.0.1": true, "[ff02::1]": true, "0.0.0.0": false, "127.0.0.1": false, "[::1]": false, "10.0.0.1": false, "192.0.2.1": false, "[2001:db8::1]": false, "[64:ff9b::c000:201]": false, "[fd00::1]": false,
	} {
		if err := guard(address+":80", refusal); (err != nil) != refused || err != nil && !errors.Is(err, refusal) {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// TestDialer: the dialer asks before it connects.
func TestDialer(t *testing.T) {
	refusal := errors.New("refused")
	c, err := Dialer(refusal).DialContext(t.Context(), "tcp", "169.254.169.254:25")
	if err == nil {
		c.Close()
	}
	if !errors.Is(err, refusal) {
		t.Errorf("the metadata service: %v", err)
	}
}

// TestAllowed: hosts are judged by all that they resolve to.
func TestAllowed(t *testing.T) {
	refusal := errors.New("refused")
	for host, refused := range map[string]bool{"localhost": false, "127.0.0.1": false, "169.254.169.254": true, "fd00:ec2::254": true} {
		if err := Allowed(t.Context(), host, refusal); (err != nil) != refused || refused && !errors.Is(err, refusal) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if err := Allowed(t.Context(), "nobody.invalid", refusal); err == nil || errors.Is(err, refusal) {
		t.Errorf("a name that is not: %v", err)
	}
}
