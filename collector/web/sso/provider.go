package sso

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/sync/singleflight"
)

const (
	patience  = 10 * time.Second
	maxAnswer = 1 << 20
	maxText   = 256 // bytes of a subject or a name
)

// provider is the provider of identities.
type provider struct {
	settings *Settings
	client   *http.Client
	now      func() time.Time

	asking singleflight.Group
	known  atomic.Pointer[endpoints] // nil until the provider has answered
}

// endpoints are what the provider's configuration tells.
type endpoints struct {
	oauth    *oauth2.Config
	verifier *oidc.IDTokenVerifier
	signOut  *url.URL // nil where it has no such page
}

func newProvider(s *Settings, now func() time.Time) *provider {
	transport := &http.Transport{
		TLSClientConfig: s.tls(), ForceAttemptHTTP2: true, MaxIdleConns: 4, IdleConnTimeout: time.Minute,
		DialContext: (&net.Dialer{Timeout: patience}).DialContext, TLSHandshakeTimeout: patience, MaxResponseHeaderBytes: 64 << 10,
	}
	return &provider{settings: s, now: now, client: &http.Client{
		Transport: bounded{transport, s}, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return errors.New("the provider sends us elsewhere")
		},
	}}
}

// bounded asks trusted addresses alone and reads bounded answers.
type bounded struct {
	next     http.RoundTripper
	settings *Settings
}

// RoundTrip implements [http.RoundTripper].
func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	if !b.settings.trusts(r.URL) {
		return nil, fmt.Errorf("the provider's address %s://%s is not one over TLS", r.URL.Scheme, r.URL.Host)
	}
	answer, err := b.next.RoundTrip(r)
	if err == nil {
		answer.Body = http.MaxBytesReader(nil, answer.Body, maxAnswer)
	}
	return answer, err
}

// ready asks for the provider's configuration, once it answers. Who comes while it is
// asked waits for the same answer, as long as ctx lasts.
func (p *provider) ready(ctx context.Context) (*endpoints, error) {
	if known := p.known.Load(); known != nil {
		return known, nil
	}
	asked := p.asking.DoChan("", func() (any, error) {
		return p.ask(context.WithoutCancel(ctx)) // the client's patience bounds it
	})
	select {
	case answer := <-asked:
		known, _ := answer.Val.(*endpoints)
		return known, answer.Err
	case <-ctx.Done():
		return nil, fmt.Errorf("ask the provider for its configuration: %w", ctx.Err())
	}
}

// ask asks for the configuration, and keeps it.
func (p *provider) ask(ctx context.Context) (*endpoints, error) {
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.settings.Issuer)
	if err != nil {
		return nil, fmt.Errorf("ask the provider for its configuration: %w", err)
	}
	var more struct {
		Keys    string   `json:"jwks_uri"`
		Methods []string `json:"token_endpoint_auth_methods_supported"`
		SignOut string   `json:"end_session_endpoint"`
	}
	if err := found.Claims(&more); err != nil {
		return nil, fmt.Errorf("parse the provider's configuration: %w", err)
	}
	endpoint := found.Endpoint()
	if u, err := url.Parse(endpoint.AuthURL); err != nil || !p.settings.trusts(u) {
		return nil, errors.New("the provider's authorization_endpoint is not one over TLS")
	}
	endpoint.AuthStyle = oauth2.AuthStyleInHeader
	if p.settings.secret == "" || len(more.Methods) > 0 && !slices.Contains(more.Methods, "client_secret_basic") {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	// The keys are asked for later, and whenever a token names one that is not known.
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), p.client), more.Keys)
	known := &endpoints{
		verifier: oidc.NewVerifier(p.settings.Issuer, keys, &oidc.Config{ClientID: p.settings.ClientID, Now: p.now,
			SupportedSigningAlgs: []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA}}),
		oauth: &oauth2.Config{ClientID: p.settings.ClientID, ClientSecret: p.settings.secret, Endpoint: endpoint,
			RedirectURL: p.settings.Redirect, Scopes: append([]string{oidc.ScopeOpenID}, p.settings.Scopes...)},
		signOut: p.settings.signOut(more.SignOut),
	}
	p.known.Store(known)
	return known, nil
}

// trip is what a browser keeps between leaving and coming back.
type trip struct {
	State, Nonce, Verifier, Next string
}

// away is where the browser goes.
func (p *provider) away(ctx context.Context, t trip) (string, error) {
	known, err := p.ready(ctx)
	if err != nil {
		return "", err
	}
	return known.oauth.AuthCodeURL(t.State, oidc.Nonce(t.Nonce), oauth2.S256ChallengeOption(t.Verifier)), nil
}

// claims is what the provider says of somebody.
type claims struct {
	subject string
	all     map[string]any
}

// redeem exchanges a code for what the provider says.
func (p *provider) redeem(ctx context.Context, code string, t trip) (*claims, error) {
	known, err := p.ready(ctx)
	if err != nil {
		return nil, err
	}
	token, err := known.oauth.Exchange(oidc.ClientContext(ctx, p.client), code, oauth2.VerifierOption(t.Verifier))
	if err != nil {
		return nil, fmt.Errorf("exchange the code: %w", withoutBody(err))
	}
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return nil, errors.New("the provider gave no ID token")
	}
	id, err := known.verifier.Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("verify the ID token: %w", err)
	}
	c := &claims{subject: id.Subject}
	if err := id.Claims(&c.all); err != nil {
		return nil, fmt.Errorf("parse the ID token: %w", err)
	}
	party, given := c.all["azp"]
	switch {
	case subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(t.Nonce)) != 1:
		return nil, errors.New("the ID token is of another sign-in")
	case (len(id.Audience) > 1 || given) && party != p.settings.ClientID:
		return nil, errors.New("the ID token is for another client, too")
	case id.Subject == "" || len(id.Subject) > maxText:
		return nil, errors.New("the ID token names nobody")
	}
	return c, nil
}

// withoutBody is an error without what the provider wrote into its answer.
func withoutBody(err error) error {
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) && refused.Response != nil {
		return fmt.Errorf("the provider answered %d %.64q", refused.Response.StatusCode, refused.ErrorCode)
	}
	return err
}

// text is a claim that is text.
func (c *claims) text(name string) string {
	s, _ := c.all[name].(string)
	if len(s) > maxText {
		return ""
	}
	return s
}

// has reports whether a claim is, or holds, a value.
func (c *claims) has(name, value string) bool {
	v, found := c.all[name]
	if !found {
		v = within(c.all, name)
	}
	switch v := v.(type) {
	case string:
		return v == value
	case []any:
		return slices.Contains(v, any(value))
	}
	return false
}

// within is what stands in an object, within another, by names with dots between.
func within(in map[string]any, name string) any {
	for {
		key, rest, more := strings.Cut(name, ".")
		if !more {
			return in[key]
		}
		inner, is := in[key].(map[string]any)
		if !is {
			return nil
		}
		in, name = inner, rest
	}
}

// encode and decodeTrip are the form of a trip in its cookie.
func (t trip) encode() (string, error) {
	data, err := json.Marshal(t)
	return url.QueryEscape(string(data)), err
}

func decodeTrip(cookie string) (t trip, err error) {
	if len(cookie) > 4096 {
		return t, io.ErrShortBuffer
	}
	text, err := url.QueryUnescape(cookie)
	if err != nil {
		return t, err
	}
	err = json.Unmarshal([]byte(text), &t)
	return t, err
}
