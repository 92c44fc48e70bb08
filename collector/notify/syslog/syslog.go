// Package syslog delivers parcels to syslog servers: RFC 5424 messages, over TLS
// (RFC 5425) or TCP with octets counted (RFC 6587), or to a datagram socket of this
// machine such as /dev/log.
//
// A message becomes a line for each signal, with its fields as structured data. A
// stream is closed from our side, and the server has to close it, too, before the
// parcel counts as delivered: syslog has no receipt, and this is the nearest to one.
// What a server has read and not written when it dies is lost all the same. Servers at
// addresses that package reach refuses are not connected to.
package syslog

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"seawall/collector/alert"
	"seawall/collector/notify/reach"
	"seawall/pkg/finding"
	"seawall/pkg/text"
)

// Config is how a server is reached.
type Config struct {
	Network string // "tls", "tcp" or "unix"
	Address string // host:port, or the path of a socket
	TLS     *tls.Config
	// Facility is RFC 5424's number, 0 to 23.
	Facility  int
	Dashboard string
	Host      string // HOSTNAME of lines; default os.Hostname
}

// Sender delivers to one server.
type Sender struct{ cfg Config }

// New returns a sender.
func New(c Config) (*Sender, error) {
	if c.Facility < 0 || c.Facility > 23 {
		return nil, errors.New("facility: 0 to 23")
	}
	if c.Host == "" {
		name, err := os.Hostname()
		if err != nil {
			return nil, fmt.Errorf("host name: %w", err)
		}
		c.Host = name
	}
	return &Sender{c}, nil
}

const (
	closing   = 5 * time.Second // for the server to close its side
	maxPacket = 8 << 10         // bytes of a line to a datagram socket
	app       = "seawall"
	// data is the id of our structured data: RFC 5612's number for documentation, since
	// Seawall has none of its own.
	data = "seawall@32473"
)

// Send delivers a parcel; see alert.ErrRefused.
func (s *Sender) Send(ctx context.Context, p alert.Parcel) error {
	lines, err := s.lines(p)
	if err != nil {
		return err
	}
	if s.cfg.Network == "unix" {
		return s.packets(ctx, lines)
	}
	return s.stream(ctx, lines)
}

func (s *Sender) packets(ctx context.Context, lines []string) error {
	c, err := new(net.Dialer).DialContext(ctx, "unixgram", s.cfg.Address)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer c.Close()
	if at, ok := ctx.Deadline(); ok {
		if err := c.SetDeadline(at); err != nil {
			return fmt.Errorf("deadline: %w", err)
		}
	}
	for _, l := range lines {
		if _, err := c.Write([]byte(text.Clean(l, maxPacket))); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
	return nil
}

func (s *Sender) stream(ctx context.Context, lines []string) error {
	tcp, err := reach.Dialer(alert.ErrRefused).DialContext(ctx, "tcp", s.cfg.Address)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer tcp.Close()
	if at, ok := ctx.Deadline(); ok {
		if err := tcp.SetDeadline(at); err != nil {
			return fmt.Errorf("deadline: %w", err)
		}
	}
	end := tcp.(interface{ CloseWrite() error }).CloseWrite
	c := tcp
	if s.cfg.Network == "tls" {
		secure := tls.Client(tcp, s.cfg.TLS)
		if err := secure.HandshakeContext(ctx); err != nil {
			return fmt.Errorf("handshake: %w", err)
		}
		c = secure
		half := end
		end = func() error { return errors.Join(secure.CloseWrite(), half()) }
	}
	var b strings.Builder
	for _, l := range lines {
		b.WriteString(strconv.Itoa(len(l)) + " " + l)
	}
	if _, err := io.WriteString(c, b.String()); err != nil {
		return fmt.Errorf("send: %w", err)
	}
	if err := end(); err != nil {
		return fmt.Errorf("end the stream: %w", err)
	}
	if err := tcp.SetReadDeadline(time.Now().Add(closing)); err != nil {
		return fmt.Errorf("deadline: %w", err)
	}
	// A server that was killed answers by a reset.
	if _, err := io.Copy(io.Discard, io.LimitReader(c, 4<<10)); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("the server did not close the stream: %w", err)
	}
	return nil
}

// lines returns the messages of a parcel, without frames.
func (s *Sender) lines(p alert.Parcel) ([]string, error) {
	if p.Kind == alert.KindRaw {
		var lines []string
		for l := range strings.Lines(string(p.Body)) {
			if l = strings.TrimRight(l, "\r\n"); l != "" {
				lines = append(lines, s.line(finding.SeverityInformational, p.Made, "export", "-", l))
			}
		}
		return lines, nil
	}
	var m alert.Message
	if err := json.Unmarshal(p.Body, &m); err != nil {
		return nil, fmt.Errorf("read message: %w: %w", err, alert.ErrRefused)
	}
	if m.Test {
		return []string{s.line(finding.SeverityInformational, m.Made, "test", element("id", m.ID), m.Summary)}, nil
	}
	var lines []string
	for i := range m.Signals {
		g := &m.Signals[i]
		state, severity := "new", g.Severity
		if g.Over {
			state, severity = "resolved", finding.SeverityInformational
		}
		pairs := []string{"id", m.ID, "rule", m.Rule, "state", state, "severity", g.Severity.String(), "hostId", string(g.Host), "host", g.HostName,
			"check", g.Check, "resource", g.Resource, "actual", g.Actual, "expected", g.Expected, "by", g.Who}
		if s.cfg.Dashboard != "" && g.Path != "" {
			pairs = append(pairs, "url", s.cfg.Dashboard+g.Path)
		}
		lines = append(lines, s.line(severity, g.Time, string(g.Topic), element(pairs...), g.Sentence()))
	}
	return lines, nil
}

// line returns one message of RFC 5424.
func (s *Sender) line(severity finding.Severity, at time.Time, kind, structured, message string) string {
	// RFC 5424's severities count down from emergency.
	level := 6
	switch severity {
	case finding.SeverityCritical:
		level = 2
	case finding.SeverityHigh:
		level = 3
	case finding.SeverityMedium:
		level = 4
	case finding.SeverityLow:
		level = 5
	}
	stamp := at.UTC().Format("2006-01-02T15:04:05.000000Z")
	return fmt.Sprintf("<%d>1 %s %s %s - %s %s %s", s.cfg.Facility*8+level, stamp, name(s.cfg.Host, 255), app, name(kind, 32), structured, message)
}

// element returns structured data of names and values in turn, empty values left out.
func element(pairs ...string) string {
	escape := strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`)
	var b strings.Builder
	b.WriteString("[" + data)
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			b.WriteString(" " + pairs[i] + `="` + escape.Replace(pairs[i+1]) + `"`)
		}
	}
	return b.String() + "]"
}

// name returns a header's field: printable ASCII without blanks, or "-".
func name(s string, limit int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), limit)]
}
