package main

import (
	"errors"
	"io/fs"

	"seawall/collector/account/identity"
	"seawall/collector/store"
	"seawall/collector/web"
	"seawall/collector/web/sso"
)

const defaultSSO = "/etc/seawall-collector/oidc.yaml"

// signOn is how people sign in through a provider of identities, nil where none is set up.
func (c config) signOn(who *users, s *store.Store) (*web.SingleSignOn, error) {
	settings, err := sso.Load(c.SSO)
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.SSO == defaultSSO:
		return nil, nil
	case err != nil:
		return nil, configError{err}
	}
	return &web.SingleSignOn{Settings: settings, Accounts: who.accounts, Identities: identity.New(s)}, nil
}
