package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"seawall/collector/bootstrap"
	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/collector/web/patches"
	"seawall/collector/web/people"
	"seawall/collector/web/session"
)

// Feed tells what became durable. Subscribe returns a channel with room for
// buffer updates and a function that ends the subscription.
type Feed interface {
	Subscribe(buffer int) (<-chan fleet.Update, func())
}

// Parts answers for the hosts of a visitor's scope. Within returns which they are.
type Parts interface {
	frame.Parts
	Within(ctx context.Context, scope []string) (map[fleet.HostID]bool, error)
}

// Area is a part of the dashboard: its paths, each with who may use it.
type Area interface {
	Routes() []frame.Route
}

// Config is what a [Server] works with. Posture, Catalogue, Detections, Lists, Advisories, Parts,
// Feed, Glance and SignIn must be set; the zero values of the others mean the default named.
type Config struct {
	Posture    frame.Posture
	Catalogue  frame.Catalogue
	Detections frame.Detections
	Lists      frame.Lists
	Advisories patches.Advisories
	Parts      Parts
	Waived     frame.Waived // default: there are no waivers
	// Away reports whether an error says that the database cannot be used now; default:
	// none does.
	Away func(error) bool
	Feed Feed
	// Glance makes what the overview says of a scope, of the fleet where that is empty.
	Glance func(ctx context.Context, scope []string) (fleet.Glance, error)

	// SignIn says who may sign in. At most two calls run at a time.
	SignIn people.SignIn
	// Bearer returns who comes with an API token. Default: there are no API tokens.
	Bearer func(ctx context.Context, token string) (session.Who, error)
	// Sessions keeps who is signed in, beside the accounts. Default: memory does.
	Sessions db.DB
	// Views keeps what people save of the list of hosts. Default: nothing is saved.
	Views db.DB
	// Elsewhere tells what other collectors on the same database did. Default: nothing.
	Elsewhere func(buffer int) (<-chan fleet.News, func())
	// Exported is told who takes which list as a file, before it begins, and may refuse
	// it. Default: nobody is told.
	Exported func(ctx context.Context, who, what string) error
	// SSO has people sign in through a provider of identities, too. Default: by
	// passwords alone.
	SSO *SingleSignOn
	// Requests returns the hosts that asked to be admitted. Default: none.
	Requests func(ctx context.Context) ([]fleet.Request, error)
	// Ready fails when the store cannot take a write. Default: always ready.
	Ready func(ctx context.Context) error
	// Metrics is what /metrics shows, the dashboard's own figures with it. Default: the path
	// does not exist.
	Metrics *prometheus.Registry

	// Hosts are the names, without port, under which browsers reach the
	// dashboard. Addresses and localhost are always allowed.
	Hosts []string
	// TLS is the configuration for https. Default: plain http, for loopback or
	// behind a proxy.
	TLS *tls.Config
	// Secure says that browsers come by https although TLS is nil, through a
	// proxy: cookies are then marked Secure.
	Secure bool

	// NewHost is what new machines are told: where the collector is, and where
	// packages come from. Default: nothing is known.
	NewHost func() bootstrap.Host
	// Invite returns the text with which a machine becomes a host, and the new token
	// in it. Default: the dashboard invites nobody, and shows the command that does.
	Invite func(ctx context.Context, o bootstrap.Order) (string, bootstrap.Token, error)
	// Tokens returns the tokens that invite hosts, the newest first. Default: none are shown.
	Tokens func(ctx context.Context) ([]fleet.Token, error)
	// Withdraw ends one. One that is not there is an error that is fs.ErrNotExist. Default:
	// the dashboard ends none.
	Withdraw func(ctx context.Context, id string) error
	// Decide admits a host that waits for approval, or turns it away. One that is not there
	// is an error that is fs.ErrNotExist. Default: the dashboard shows the commands that do.
	Decide func(ctx context.Context, id string, d fleet.Decision) error
	// Areas makes further areas of the dashboard on its frame. Default: none.
	Areas func(f *frame.Frame) ([]Area, error)
	// Version is the collector's, shown at the foot of each page.
	Version string

	Log *slog.Logger     // default: slog.Default()
	Now func() time.Time // default: time.Now
}

// missing says what a server cannot do without and was not given.
func (c *Config) missing() error {
	switch {
	case c.Posture == nil:
		return errors.New("web: no source of posture")
	case c.Catalogue == nil:
		return errors.New("web: no catalogue of checks")
	case c.Detections == nil:
		return errors.New("web: no source of detections")
	case c.Lists == nil:
		return errors.New("web: no source of lists")
	case c.Advisories == nil:
		return errors.New("web: no source of advisories")
	case c.Parts == nil:
		return errors.New("web: no source of what a scope has")
	case c.Feed == nil:
		return errors.New("web: no feed of updates")
	case c.Glance == nil:
		return errors.New("web: no overview")
	case c.SignIn == nil:
		return errors.New("web: no way to sign in")
	}
	return nil
}

// complete fills the defaults and says what is missing.
func (c *Config) complete() error {
	if err := c.missing(); err != nil {
		return err
	}
	for _, h := range c.Hosts {
		if h == "" || strings.ContainsAny(h, "/:@ ") {
			if _, err := netip.ParseAddr(h); err != nil {
				return fmt.Errorf("web: %q is no host name", h)
			}
		}
	}
	c.without()
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Secure = c.Secure || c.TLS != nil
	return nil
}

// registerer is where figures go, nil for nowhere.
func (c *Config) registerer() prometheus.Registerer {
	if c.Metrics == nil {
		return nil
	}
	return c.Metrics
}

// without has what is not there do nothing.
func (c *Config) without() {
	if c.Elsewhere == nil {
		c.Elsewhere = func(int) (<-chan fleet.News, func()) { return nil, func() {} }
	}
	if c.Exported == nil {
		c.Exported = func(context.Context, string, string) error { return nil }
	}
	if c.Requests == nil {
		c.Requests = func(context.Context) ([]fleet.Request, error) { return nil, nil }
	}
	if c.NewHost == nil {
		c.NewHost = func() bootstrap.Host { return bootstrap.Host{} }
	}
	if c.Areas == nil {
		c.Areas = func(*frame.Frame) ([]Area, error) { return nil, nil }
	}
	if c.Ready == nil {
		c.Ready = func(context.Context) error { return nil }
	}
}
