package main

import (
	"context"
	"strings"

	"seawall/collector/bootstrap"
	"seawall/collector/config"
	"seawall/collector/enrol"
	"seawall/collector/fleet"
)

// invites returns what makes an invitation for the dashboard, or nil where the
// dashboard is to make none.
func (m *members) invites(c config.Config) func(context.Context, bootstrap.Order) (string, bootstrap.Token, error) {
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

// decides returns what admits hosts that wait, and turns them away, for the dashboard, or
// nil where the dashboard is to let none in.
func (m *members) decides(c config.Config) func(context.Context, string, fleet.Decision) error {
	if c.Invites.Value == "off" {
		return nil
	}
	return func(ctx context.Context, id string, d fleet.Decision) error {
		_, err := m.Decide(ctx, id, d)
		return err
	}
}
