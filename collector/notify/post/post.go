// Package post delivers parcels over HTTP: to webhooks of the Standard Webhooks
// specification, to chats that take Slack's incoming webhooks (Slack, Mattermost,
// Rocket.Chat), to PagerDuty (Events API v2), and to OTLP receivers.
//
// It connects to the configured address alone: redirects are not followed, proxies of
// the environment are not used, and addresses of the local link and of the metadata
// services of clouds are refused, whatever a name resolves to. An answer is read
// to a limit and believed in its status only.
//
// The URL and the secret of a route never enter an error, nor does an answer that repeats
// a word of them.
package post

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"seawall/collector/alert"
	"seawall/collector/notify/reach"
)

const (
	maxAnswer = 4 << 10
	maxDetail = 160 // bytes of an answer that a log of deliveries quotes
	maxAfter  = time.Hour
)

// Config is how a route is reached.
type Config struct {
	URL     string            // https, or http
	Secret  []byte            // signs webhooks; PagerDuty's routing key
	Headers map[string]string // sent with OTLP and webhooks; their values are secrets
	Roots   *x509.CertPool    // nil: the system's
	// Dashboard is where links of messages begin; empty leaves them out.
	Dashboard string
	Now       func() time.Time // default time.Now
}

// Sender delivers to one URL.
type Sender struct {
	cfg    Config
	client *http.Client
	make   func(*Sender, alert.Parcel) ([]body, error)
}

// body is one request of a parcel.
type body struct {
	kind string
	data []byte
	head map[string]string
}

// NewWebhook returns a sender of messages as JSON, and of raw parcels, signed.
func NewWebhook(c Config) (*Sender, error) { return newSender(c, (*Sender).webhook) }

// NewSlack returns a sender to an incoming webhook of Slack or one that is like it.
func NewSlack(c Config) (*Sender, error) { return newSender(c, (*Sender).slack) }

// NewPagerDuty returns a sender to the Events API v2.
func NewPagerDuty(c Config) (*Sender, error) { return newSender(c, (*Sender).pagerDuty) }

// NewOTLP returns a sender of raw parcels to an OTLP/HTTP receiver.
func NewOTLP(c Config) (*Sender, error) { return newSender(c, (*Sender).otlp) }

func newSender(c Config, mk func(*Sender, alert.Parcel) ([]body, error)) (*Sender, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("url: not an address that begins with https:// or http://")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Sender{cfg: c, make: mk, client: &http.Client{
		Transport: &http.Transport{
			DialContext: reach.Dialer(alert.ErrRefused).DialContext, TLSClientConfig: &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 20 * time.Second, IdleConnTimeout: 30 * time.Second,
			MaxResponseHeaderBytes: 16 << 10, MaxConnsPerHost: 1, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Send delivers a parcel. An error that wraps alert.ErrRefused is final; any other may
// go away, after an alert.Busy's time at the earliest.
func (s *Sender) Send(ctx context.Context, p alert.Parcel) error {
	bodies, err := s.make(s, p)
	if err != nil {
		return err
	}
	for _, b := range bodies {
		if err := s.post(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sender) post(ctx context.Context, b body) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.cfg.URL, bytes.NewReader(b.data))
	if err != nil {
		return fmt.Errorf("make request: %w", bare(err))
	}
	for k, v := range s.cfg.Headers {
		r.Header.Set(k, v)
	}
	for k, v := range b.head {
		r.Header.Set(k, v)
	}
	r.Header.Set("Content-Type", b.kind)
	r.Header.Set("User-Agent", "seawall-collector")
	answer, err := s.client.Do(r)
	if err != nil {
		return fmt.Errorf("post: %w", bare(err))
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil && answer.StatusCode/100 != 2 {
		said = nil
	}
	return s.judge(answer, said)
}

// bare takes the URL, which may be a secret, out of an error of net/http.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// judge turns an answer into an error, or none.
func (s *Sender) judge(answer *http.Response, said []byte) error {
	code := answer.StatusCode
	err := errors.New(strings.TrimSpace(strconv.Itoa(code) + " " + http.StatusText(code) + s.quote(said)))
	switch {
	case code/100 == 2:
		return nil
	case code/100 == 3:
		return fmt.Errorf("%w: redirects are not followed: %w", err, alert.ErrRefused)
	case code == http.StatusRequestTimeout, code == http.StatusTooEarly, code == http.StatusTooManyRequests, code/100 == 5:
		if n, bad := strconv.Atoi(answer.Header.Get("Retry-After")); bad == nil && n > 0 {
			return &alert.Busy{After: min(time.Duration(min(n, 1<<20))*time.Second, maxAfter), Err: err}
		}
		return err
	}
	return fmt.Errorf("%w: %w", err, alert.ErrRefused)
}

// message reads the message of a parcel.
func (s *Sender) message(p alert.Parcel) (m alert.Message, err error) {
	if p.Kind != alert.KindMessage {
		return m, fmt.Errorf("a route of this kind takes no %q: %w", p.Kind, alert.ErrRefused)
	}
	if err := json.Unmarshal(p.Body, &m); err != nil {
		return m, fmt.Errorf("read message: %w: %w", err, alert.ErrRefused)
	}
	m.Dashboard = s.cfg.Dashboard
	return m, nil
}

// webhook follows https://www.standardwebhooks.com: the id stays over attempts, the
// signature is over id, time and body.
func (s *Sender) webhook(p alert.Parcel) ([]body, error) {
	data, kind := p.Body, cmp.Or(p.Type, "application/json")
	if p.Kind == alert.KindMessage {
		m, err := s.message(p)
		if err != nil {
			return nil, err
		}
		if data, err = json.Marshal(m); err != nil {
			return nil, fmt.Errorf("encode message: %w", err)
		}
	}
	at := strconv.FormatInt(s.cfg.Now().Unix(), 10)
	head := map[string]string{"Webhook-Id": p.ID, "Webhook-Timestamp": at}
	if len(s.cfg.Secret) > 0 {
		mac := hmac.New(sha256.New, s.cfg.Secret)
		mac.Write([]byte(p.ID + "." + at + "."))
		mac.Write(data)
		head["Webhook-Signature"] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return []body{{kind, data, head}}, nil
}

func (s *Sender) otlp(p alert.Parcel) ([]body, error) {
	if p.Kind != alert.KindRaw {
		return nil, fmt.Errorf("a route of this kind takes no %q: %w", p.Kind, alert.ErrRefused)
	}
	return []body{{kind: p.Type, data: p.Body}}, nil
}
