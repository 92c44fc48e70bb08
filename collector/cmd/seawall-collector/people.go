package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"

	"seawall/collector/account"
	"seawall/collector/account/apitoken"
	served "seawall/collector/admin/people"
	"seawall/collector/config"
	"seawall/collector/db"
	"seawall/collector/initial"
	"seawall/collector/store"
	"seawall/collector/web"
	"seawall/collector/web/accounts"
	"seawall/collector/web/frame"
	"seawall/collector/web/people"
	"seawall/collector/web/rest"
	"seawall/collector/web/role"
	"seawall/collector/web/session"
	pages "seawall/collector/web/users"
	"seawall/pkg/service"
)

// first is how the first user comes to be.
func first(c config.Config, a *account.Accounts, log *slog.Logger, stdout io.Writer) initial.Config {
	return initial.Config{Accounts: a, User: c.Admin, StateDir: c.StateDir, PasswordFile: c.PasswordFile, Stdout: stdout, Log: log}
}

// resetPassword gives a new password to the person who asks for one.
func resetPassword(cmd *cobra.Command, c config.Config, stdout, stderr io.Writer) error {
	log := service.NewLog(stderr, c.LogLevel.Level, os.Environ())
	s, err := store.Open(cmd.Context(), c.Database(), store.Config{Log: log})
	if err != nil {
		return err
	}
	defer s.Close()
	return initial.Reset(cmd.Context(), first(c, account.New(s, time.Now), log, stdout))
}

// users are the people who use the collector, and their programs.
type users struct {
	accounts  *account.Accounts
	tokens    *apitoken.Tokens
	data      db.DB
	dashboard *web.Server // has the sessions; set once there is one
}

func newUsers(s *store.Store) *users {
	return &users{account.New(s, time.Now), apitoken.New(s, time.Now), s, nil}
}

// endUser ends the sessions of a user.
func (u *users) endUser(name string) { u.dashboard.EndUser(name) }

// pages are the pages about them.
func (u *users) pages(f *frame.Frame) (*pages.Pages, error) {
	return pages.New(pages.Config{Frame: f, Accounts: u.accounts, Tokens: u.tokens, DB: u.data, EndUser: u.endUser, Sessions: u.sessions, EndSession: u.endSession})
}

func (u *users) sessions(ctx context.Context, user string) ([]session.Open, error) {
	return u.dashboard.Sessions(ctx, user)
}

func (u *users) endSession(ctx context.Context, user, id string) error {
	return u.dashboard.EndSession(ctx, user, id)
}

// endpoints are the API about them.
func (u *users) endpoints() []rest.Endpoint {
	return accounts.Endpoints(accounts.Config{Accounts: u.accounts, Tokens: u.tokens, EndUser: u.endUser, Sessions: u.sessions, EndSession: u.endSession})
}

// service is what commands ask.
func (u *users) service() func(grpc.ServiceRegistrar) {
	return (&served.Service{Accounts: u.accounts, Tokens: u.tokens, Data: u.data, EndUser: u.endUser}).Register
}

// byPassword is the dashboard's question about a name and a password. The first right
// answer deletes the file with the first password.
func (u *users) byPassword(stateDir string, log *slog.Logger) people.SignIn {
	return func(ctx context.Context, attempt people.Attempt) (session.Who, error) {
		user, err := u.accounts.SignIn(ctx, attempt.User, attempt.Password)
		if err != nil {
			return session.Who{}, err
		}
		initial.Forget(stateDir, log)
		return session.Who{User: user.Name, Role: role.Parse(string(user.Role)), Scope: user.Scope}, nil
	}
}

// byToken is the dashboard's question about an API token.
func (u *users) byToken(ctx context.Context, text string) (session.Who, error) {
	token, err := u.tokens.Find(ctx, text)
	if err != nil {
		return session.Who{}, err
	}
	return session.Who{User: token.User, Role: role.Parse(string(token.Role)), Scope: token.Scope, Token: token.ID}, nil
}
