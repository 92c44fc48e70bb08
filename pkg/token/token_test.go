package token

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"seawall/pkg/trust"
)

// fixed returns a token of known bytes.
func fixed() Token {
	t := Token{ID: [8]byte([]byte("identity")), Secret: [16]byte([]byte("SECRETsecretSEC!"))}
	for i := range t.Pin {
		t.Pin[i] = byte(i)
	}
	return t
}

// text is fixed as the format has it: once given away, a token must stay readable.
const text = "seawall1_aWRlbnRpdHlTRUNSRVRzZWNyZXRTRUMhAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh-TX9Y6"

func TestFormat(t *testing.T) {
	if got := fixed().Text(); got != text {
		t.Errorf("text %s; want %s", got, text)
	}
	for _, s := range []string{text, "\n " + text + "\r\n", strings.Repeat("\n", maxText-len(text)) + text} {
		if got, err := Parse(s); err != nil || got != fixed() {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
}

func TestNew(t *testing.T) {
	pin := trust.Pin{1, 2, 3}
	a, b := New(pin), New(pin)
	if a.Pin != pin || a.ID == b.ID || a.Secret == b.Secret || a.Hash() == b.Hash() {
		t.Errorf("%v and %v", a, b)
	}
	if got, err := Parse(a.Text()); err != nil || got != a || got.Hash() != a.Hash() {
		t.Errorf("%v, %v", got, err)
	}
	other := a
	other.ID, other.Pin = b.ID, trust.Pin{}
	if a.Hash() != other.Hash() {
		t.Error("the hash is not of the secret alone")
	}
}

func TestParseRefuses(t *testing.T) {
	for name, s := range map[string]string{
		"nothing":        "",
		"white space":    " \n",
		"no prefix":      text[len(prefix):],
		"another prefix": "seawall2_" + text[len(prefix):],
		"upper case":     strings.ToUpper(text),
		"cut":            text[:len(text)-1],
		"longer":         text + "A",
		"padded":         text[:len(text)-1] + "=",
		"twice":          text + "\n" + text,
		"line end":       text[:40] + "\n" + text[41:],
		"line end more":  text[:40] + "\n" + text[40:],
		"space inside":   text[:40] + " " + text[41:],
		"plain base64":   strings.Replace(text, "-", "+", 1),
		"too long":       strings.Repeat(" ", maxText) + text,
		"not UTF-8":      text[:40] + "\xff" + text[41:],
	} {
		got, err := Parse(s)
		if err == nil || got != (Token{}) {
			t.Errorf("%s: accepted as %v", name, got)
			continue
		}
		if len(s) > 50 && strings.Contains(err.Error(), s[15:40]) {
			t.Errorf("%s: the error has the token in it: %v", name, err)
		}
	}
}

// TestSlips changes every character to every other one.
func TestSlips(t *testing.T) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for i := range len(text) {
		for _, c := range []byte(alphabet) {
			b := []byte(text)
			if b[i] == c {
				continue
			}
			b[i] = c
			if _, err := Parse(string(b)); err == nil {
				t.Fatalf("%s: accepted", b)
			}
		}
	}
	for i := range len(text) - 1 {
		b := []byte(text)
		b[i], b[i+1] = b[i+1], b[i]
		if _, err := Parse(string(b)); err == nil && string(b) != text {
			t.Fatalf("%s: accepted", b)
		}
	}
}

// TestNeverShown prints a token in every way that a program does by accident.
func TestNeverShown(t *testing.T) {
	tok := fixed()
	var out bytes.Buffer
	for _, v := range []any{tok, &tok, []Token{tok}, map[string]Token{"a": tok}, struct{ T Token }{tok}, struct{ T *Token }{&tok}} {
		for _, verb := range "vsqxXdobcUeEfFgGtT" {
			for _, flag := range []string{"", "+", "#", " ", "0", "-", "200", ".5"} {
				fmt.Fprintf(&out, "%"+flag+string(verb)+"\n", v)
			}
		}
		fmt.Fprintln(&out, v)
		b, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		out.Write(b)
		for _, h := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
			slog.New(h).Info("message", "value", v, slog.Group("group", "value", v))
		}
	}
	fmt.Fprintln(&out, tok.String(), tok.GoString(), fmt.Errorf("wrapped: %v", tok))
	numbers := strings.Trim(fmt.Sprint(tok.Secret[:4]), "[]")
	for name, secret := range map[string]string{
		"bytes":          string(tok.Secret[:4]),
		"hexadecimal":    hex.EncodeToString(tok.Secret[:4]),
		"numbers":        numbers,
		"JSON's numbers": strings.ReplaceAll(numbers, " ", ","),
		"base64":         base64.StdEncoding.EncodeToString(tok.Secret[:3]),
		"text":           tok.Text()[20:30],
	} {
		if strings.Contains(strings.ToLower(out.String()), strings.ToLower(secret)) {
			t.Errorf("the secret is shown as %s", name)
		}
	}
	if want := "seawall1…" + hex.EncodeToString([]byte("identity")); tok.String() != want || fmt.Sprintf("%#v", tok) != want {
		t.Errorf("%s, %#v; want %s", tok.String(), tok, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		tok, err := Parse(s)
		if err != nil {
			if tok != (Token{}) {
				t.Fatal("a token with an error")
			}
			return
		}
		if tok.Text() != strings.TrimSpace(s) {
			t.Fatalf("%q became %q", s, tok.Text())
		}
	})
}

func TestFuzzSeeds(t *testing.T) {
	entries, err := os.ReadDir("testdata/fuzz/FuzzParse")
	if err != nil || len(entries) < 5 {
		t.Fatalf("seeds of FuzzParse: %d, %v", len(entries), err)
	}
}
