package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"seawall/collector/bootstrap"
	"seawall/collector/contact"
	"seawall/collector/enrol"
)

// host is what new machines are told: where the collector is and where packages
// come from. Its error says that nobody knows the former.
func (c config) host() (bootstrap.Host, error) {
	h := bootstrap.Host{Collector: c.Advertise, Repo: c.Repo}
	if c.RepoKey != "" {
		key, err := os.ReadFile(c.RepoKey)
		if err != nil {
			return h, fmt.Errorf("repo-key: %w", err)
		}
		h.Key = string(key)
	}
	if h.Collector == "" {
		if at, err := contact.Read(c.StateDir); err == nil {
			h.Collector = at.Outside()
		}
	}
	if h.Collector == "" {
		return h, errors.New("where hosts reach this collector is not known: name it with --collector HOST:PORT, or for good with advertise in the configuration")
	}
	return h, nil
}

// invites returns what makes an invitation for the dashboard, or nil where the
// dashboard is to make none.
func (m *members) invites(c config) func(context.Context, bootstrap.Order) (string, bootstrap.Token, error) {
	if c.Invites.Value == "off" {
		return nil
	}
	return func(ctx context.Context, o bootstrap.Order) (string, bootstrap.Token, error) {
		secret, made, err := m.Enrolment.Invite(ctx, enrol.Invitation{
			TTL: o.Life, Label: strings.Join(append([]string{"dashboard"}, o.Host.Labels...), " "), Tags: o.Tags, Approval: o.Approval,
		})
		if err != nil {
			return "", bootstrap.Token{}, err
		}
		t := bootstrap.Token{ID: made.ID, Text: secret.Text(), Expires: made.Expires, Uses: made.Uses, Approval: made.Approval}
		text, err := bootstrap.Text(o.Host, t, o.Format)
		return text, t, err
	}
}
