package web

import (
	"context"
	"net/http"

	"seawall/collector/account"
	"seawall/collector/account/identity"
	"seawall/collector/web/people"
	"seawall/collector/web/role"
	"seawall/collector/web/session"
	"seawall/collector/web/sso"
)

// SingleSignOn is what signing in through a provider of identities works with.
type SingleSignOn struct {
	Settings   *sso.Settings
	Accounts   *account.Accounts
	Identities *identity.Identities
}

// name is what the sign-in page calls the provider, empty for none.
func (s *SingleSignOn) name() string {
	if s == nil {
		return ""
	}
	return s.Settings.Name
}

// signedOut is the path to which a user is led who has signed out: one without a password
// is known through the provider alone.
func (s *SingleSignOn) signedOut(ctx context.Context, user string) string {
	if s == nil {
		return "/login"
	}
	if u, err := s.Accounts.Get(ctx, user); err != nil || u.Password {
		return "/login"
	}
	return sso.Out
}

// signOn makes the pages of signing in through the provider, if there is one.
func (s *Server) signOn(who *people.Pages) ([]Area, error) {
	c := s.config.SSO
	if c == nil {
		return nil, nil
	}
	pages, err := sso.New(sso.Config{Frame: s.frame, Settings: c.Settings, Accounts: c.Accounts, Identities: c.Identities, EndUser: s.EndUser,
		Begin: func(w http.ResponseWriter, r *http.Request, u account.User) error {
			return who.Begin(w, r, session.Who{User: u.Name, Role: role.Parse(string(u.Role)), Scope: u.Scope})
		}})
	if err != nil {
		return nil, err
	}
	return []Area{pages}, nil
}
