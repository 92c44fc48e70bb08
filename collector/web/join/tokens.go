package join

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/trail"
	"seawall/collector/web/frame"
)

const (
	// maxShown is how many tokens the page lists.
	maxShown = 50
	// keepEnded is how long after its end a token is listed.
	keepEnded = 7 * 24 * time.Hour
)

// invited is a token as the page lists it.
type invited struct {
	fleet.Token
	State string // why it invites nobody any more, empty where it does
	For   string // for whom it is
	Left  string // how long it is still good
}

// tokens returns those that invite somebody and then those that ended lately, each the
// newest first, and how many there are of both. None are listed where nobody says which.
func (s *Page) tokens(ctx context.Context) (shown []invited, all int, err error) {
	if s.config.Tokens == nil {
		return nil, 0, nil
	}
	list, err := s.config.Tokens(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("tokens: %w", err)
	}
	var ended []invited
	now := s.frame.Now()
	for _, t := range list {
		one := invited{Token: t, State: state(now, t), For: audience(t), Left: left(t.Expires.Sub(now))}
		switch {
		case one.State == "":
			shown = append(shown, one)
		case now.Sub(t.Expires) < keepEnded:
			ended = append(ended, one)
		}
	}
	shown = append(shown, ended...)
	return shown[:min(len(shown), maxShown)], len(shown), nil
}

// state says why a token invites nobody any more; empty where it does.
func state(now time.Time, t fleet.Token) string {
	switch {
	case !t.Revoked.IsZero():
		return "ended"
	case t.Used >= t.Uses:
		return "used up"
	case !now.Before(t.Expires):
		return "expired"
	}
	return ""
}

// left says how long something still lasts, rounded to what people plan with.
func left(d time.Duration) string {
	n, unit := max(1, int(d.Round(time.Minute)/time.Minute)), "minute"
	switch {
	case d >= 48*time.Hour:
		n, unit = int(d.Round(24*time.Hour)/(24*time.Hour)), "day"
	case d >= 2*time.Hour:
		n, unit = int(d.Round(time.Hour)/time.Hour), "hour"
	}
	if n == 1 {
		return "a " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}

// audience says which machines a token is for.
func audience(t fleet.Token) string {
	var words []string
	if t.Scope.Clones {
		words = append(words, "copies of hosts")
	}
	if t.Scope.Name != "" {
		words = append(words, t.Scope.Name)
	}
	for _, n := range t.Scope.Networks {
		words = append(words, n.String())
	}
	if len(words) == 0 {
		return "any machine"
	}
	return strings.Join(words, ", ")
}

// endToken ends a token.
func (s *Page) endToken(w http.ResponseWriter, r *http.Request) {
	if s.config.Withdraw == nil {
		s.frame.NotFound(w, r)
		return
	}
	if err := s.config.Withdraw(trail.As(r.Context(), frame.Of(r).User), r.PathValue("id")); err != nil {
		s.frame.Fail(w, r, err)
		return
	}
	s.frame.Redirect(w, r, "/hosts/new", "The token was ended. Hosts that came with it stay.")
}
