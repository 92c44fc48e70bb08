package main

import (
	"errors"
	"io/fs"

	"seawall/collector/account/identity"
	"seawall/collector/config"
	"seawall/collector/store"
	"seawall/collector/web"
	"seawall/collector/web/sso"
)

// signOn is how people sign in through a provider of identities, nil where none is set up.
func signOn(c config.Config, who *users, s *store.Store) (*web.SingleSignOn, error) {
	settings, err := sso.Load(c.SSO)
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.SSO == config.DefaultSSO:
		return nil, nil
	case err != nil:
		return nil, config.Error{Err: err}
	}
	return &web.SingleSignOn{Settings: settings, Accounts: who.accounts, Identities: identity.New(s)}, nil
}
