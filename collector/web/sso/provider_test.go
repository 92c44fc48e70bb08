package sso

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"encoding/pem"

	"github.com/go-jose/go-jose/v4"
)

const (
	clientID = "seawall"
	secret   = "s3cret of the client"
)

// idp is a provider of identities that is strict with its client, and hostile where a test
// makes it so.
type idp struct {
	t       *testing.T
	server  *httptest.Server
	key     *ecdsa.PrivateKey
	pending map[string]url.Values // by code
	site    string                // where we are, for browsers
	person  map[string]any        // what it says of who signs in

	claims  func(map[string]any)                        // alters the claims
	token   func(claims map[string]any) string          // makes the ID token in its own way
	answer  func(w http.ResponseWriter, id string) bool // answers /token in its own way
	config  func(map[string]any)
	refuses string // the error that it sends people back with
}

func newIDP(t *testing.T) *idp {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &idp{t: t, key: key, site: "http://localhost", pending: map[string]url.Values{}, person: map[string]any{"sub": "s-1", "preferred_username": "Ada", "groups": []any{"ops"}}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /auth", p.auth)
	mux.HandleFunc("POST /token", p.exchange)
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key.Public(), KeyID: "k", Algorithm: "ES256", Use: "sig"}}})
	})
	p.server = httptest.NewTLSServer(mux)
	t.Cleanup(p.server.Close)
	return p
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func (p *idp) discovery(w http.ResponseWriter, _ *http.Request) {
	at := p.server.URL
	c := map[string]any{"issuer": at, "authorization_endpoint": at + "/auth", "token_endpoint": at + "/token", "jwks_uri": at + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"}, "token_endpoint_auth_methods_supported": []string{"client_secret_basic"}}
	if p.config != nil {
		p.config(c)
	}
	reply(w, c)
}

// auth takes a person's sign-in for granted, and nothing else.
func (p *idp) auth(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	for key, want := range map[string]string{"client_id": clientID, "redirect_uri": p.site + Back, "response_type": "code", "scope": "openid profile email", "code_challenge_method": "S256"} {
		if q.Get(key) != want {
			p.t.Errorf("the provider is asked with %s=%q, want %q", key, q.Get(key), want)
		}
	}
	for _, key := range []string{"state", "nonce", "code_challenge"} {
		if len(q.Get(key)) < 40 {
			p.t.Errorf("%s is %q", key, q.Get(key))
		}
	}
	back := url.Values{"state": {q.Get("state")}}
	if p.refuses != "" {
		back.Set("error", p.refuses)
	} else {
		code := rand.Text()
		p.pending[code] = q
		back.Set("code", code)
	}
	http.Redirect(w, r, p.site+Back+"?"+back.Encode(), http.StatusFound)
}

// exchange gives an ID token for a code, once, to who began.
func (p *idp) exchange(w http.ResponseWriter, r *http.Request) {
	id, word, _ := r.BasicAuth()
	word, _ = url.QueryUnescape(word)
	asked, known := p.pending[r.PostFormValue("code")]
	delete(p.pending, r.PostFormValue("code"))
	sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case id != clientID || word != secret:
		http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
		return
	case !known, r.PostFormValue("redirect_uri") != p.site+Back, r.PostFormValue("grant_type") != "authorization_code",
		base64.RawURLEncoding.EncodeToString(sum[:]) != asked.Get("code_challenge"):
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	now := time.Now()
	claims := map[string]any{"iss": p.server.URL, "aud": clientID, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "nonce": asked.Get("nonce")}
	for k, v := range p.person {
		claims[k] = v
	}
	if p.claims != nil {
		p.claims(claims)
	}
	token := ""
	if p.token != nil {
		token = p.token(claims)
	} else {
		token = sign(p.t, jose.ES256, p.key, claims)
	}
	if p.answer != nil && p.answer(w, token) {
		return
	}
	reply(w, map[string]any{"access_token": "a", "token_type": "Bearer", "expires_in": 60, "id_token": token})
}

func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, (&jose.SignerOptions{}).WithHeader("kid", "k"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// unsigned is a token with the algorithm "none".
func unsigned(claims map[string]any) string {
	body, _ := json.Marshal(claims)
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"k"}`)) + "." + base64.RawURLEncoding.EncodeToString(body) + "."
}

// settings writes a file of settings for the provider, with more lines, and loads it.
func (p *idp) settings(more string) *Settings {
	p.t.Helper()
	folder := p.t.TempDir()
	write := func(name string, data []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			p.t.Fatal(err)
		}
		return path
	}
	ca := write("ca.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw}))
	word := write("secret", []byte(secret+"\n"))
	s, err := Load(write("oidc.yaml", []byte(fmt.Sprintf("issuer: %s\nclient_id: %s\nclient_secret_file: %s\nca_file: %s\nredirect: %s\nname: Example\n%s",
		p.server.URL, clientID, word, ca, p.site+Back, more))))
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// roles are settings that know two groups.
const roles = `roles:
  - {claim: groups, value: admins, role: admin}
  - {claim: realm.roles, value: web, role: viewer, tags: [web, db]}
  - {claim: groups, value: ops, role: operator}
`

func has(body, text string) bool { return strings.Contains(body, text) }
