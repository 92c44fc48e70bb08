// Package mail delivers messages by SMTP, through the mail server of the site.
//
// A message goes to all recipients in one transaction: either all of them get it, or
// nobody does and it is tried again. Its Message-ID is made of the message's id, so
// that a mail that is sent twice can be told.
//
// Mails are plain text. The password never enters an error. A server at an address that
// package reach refuses is not connected to.
package mail

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	smtp "github.com/wneessen/go-mail"

	"seawall/collector/alert"
	"seawall/collector/notify/reach"
	"seawall/pkg/text"
)

// Security is how the connection is protected.
type Security string

// The ways. None is for a server on this machine.
const (
	StartTLS Security = "starttls"
	Implicit Security = "tls"
	None     Security = "none"
)

// Config is how the site's mail server is reached.
type Config struct {
	Server    string // host:port
	Security  Security
	TLS       *tls.Config // server name, roots
	User      string      // empty: no authentication
	Password  string
	From      string
	To        []string
	Dashboard string
}

// Sender delivers to one list of recipients.
type Sender struct {
	cfg  Config
	host string
	port int
}

// New returns a sender.
func New(c Config) (*Sender, error) {
	host, port, err := net.SplitHostPort(c.Server)
	if err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("server: port: %w", err)
	}
	if c.User != "" && c.Security == None {
		return nil, errors.New("tls: a password does not travel without it")
	}
	if len(c.To) == 0 {
		return nil, errors.New("to: at least one recipient")
	}
	s := &Sender{c, host, n}
	if _, err := s.compose(alert.Message{ID: "check"}); err != nil {
		return nil, err
	}
	return s, nil
}

const timeout = 30 * time.Second

// Send delivers a parcel; see alert.ErrRefused.
func (s *Sender) Send(ctx context.Context, p alert.Parcel) error {
	var m alert.Message
	if p.Kind != alert.KindMessage {
		return fmt.Errorf("mail takes no %q: %w", p.Kind, alert.ErrRefused)
	}
	if err := json.Unmarshal(p.Body, &m); err != nil {
		return fmt.Errorf("read message: %w: %w", err, alert.ErrRefused)
	}
	letter, err := s.compose(m)
	if err != nil {
		return fmt.Errorf("compose mail: %w: %w", err, alert.ErrRefused)
	}
	options := []smtp.Option{smtp.WithPort(s.port), smtp.WithTimeout(timeout), smtp.WithTLSConfig(s.cfg.TLS)}
	switch s.cfg.Security {
	case Implicit:
		// The library takes a connection of ours for one without TLS, and logs in
		// accordingly: it opens this one itself. What a name has come to mean since it
		// was asked for here has no certificate of the server.
		if err := reach.Allowed(ctx, s.host, alert.ErrRefused); err != nil {
			return s.plain("connect", err)
		}
		options = append(options, smtp.WithSSL())
	case None:
		options = append(options, smtp.WithTLSPolicy(smtp.NoTLS), smtp.WithDialContextFunc(reach.Dialer(alert.ErrRefused).DialContext))
	default:
		options = append(options, smtp.WithTLSPolicy(smtp.TLSMandatory), smtp.WithDialContextFunc(reach.Dialer(alert.ErrRefused).DialContext))
	}
	if s.cfg.User != "" {
		options = append(options, smtp.WithSMTPAuth(smtp.SMTPAuthAutoDiscover), smtp.WithUsername(s.cfg.User), smtp.WithPassword(s.cfg.Password))
	}
	client, err := smtp.NewClient(s.host, options...)
	if err != nil {
		return fmt.Errorf("mail server: %w", err)
	}
	if err := client.DialWithContext(ctx); err != nil {
		return s.plain("connect", err)
	}
	err = client.Send(letter)
	// Once the server has said that it has the mail, it has it, whatever becomes of
	// the farewell.
	closing := client.Close()
	if err == nil || letter.IsDelivered() {
		return nil
	}
	return errors.Join(s.plain("send", err), closing)
}

// plain returns an error of the server on one line, final where the server says so.
func (s *Sender) plain(what string, err error) error {
	final := errors.Is(err, alert.ErrRefused)
	said := text.Clean(text.Terminal(text.Clean(err.Error(), 200)), 200)
	if s.cfg.Password != "" {
		said = strings.ReplaceAll(said, s.cfg.Password, "…")
	}
	if refusal, ok := errors.AsType[*smtp.SendError](err); ok && refusal.ErrorCode()/100 == 5 {
		final = true
	}
	if final {
		return fmt.Errorf("%s: %s: %w", what, said, alert.ErrRefused)
	}
	return fmt.Errorf("%s: %w", what, errors.New(said))
}

func (s *Sender) compose(m alert.Message) (*smtp.Msg, error) {
	m.Dashboard = s.cfg.Dashboard
	letter := smtp.NewMsg(smtp.WithEncoding(smtp.EncodingQP), smtp.WithNoDefaultUserAgent())
	if err := letter.From(s.cfg.From); err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	if err := letter.To(s.cfg.To...); err != nil {
		return nil, fmt.Errorf("to: %w", err)
	}
	letter.Subject("[Seawall " + m.Word() + "] " + text.Clean(text.Terminal(m.Summary), 150))
	letter.SetMessageIDWithValue(m.ID + "@seawall.invalid")
	letter.SetDateWithValue(m.Made)
	// Out-of-office programs do not answer, and lists do not forward, what says this.
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	letter.SetGenHeader("X-Auto-Response-Suppress", "All")
	letter.SetBodyString(smtp.TypeTextPlain, strings.Join(m.Lines(), "\n")+"\n")
	return letter, nil
}
