package main

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"seawall/collector/account"
	"seawall/collector/account/apitoken"
	"seawall/collector/initial"
	"seawall/collector/store"
	"seawall/collector/web/frame"
	"seawall/collector/web/people"
	"seawall/collector/web/session"
	"seawall/pkg/service"
)

// first is how the first user comes to be.
func (c config) first(a *account.Accounts, log *slog.Logger, stdout io.Writer) initial.Config {
	return initial.Config{Accounts: a, User: c.Admin, StateDir: c.StateDir, PasswordFile: c.PasswordFile, Stdout: stdout, Log: log}
}

// resetPassword gives a new password to the person who asks for one.
func resetPassword(cmd *cobra.Command, c config, stdout, stderr io.Writer) error {
	log := service.NewLog(stderr, c.LogLevel.level, os.Environ())
	s, err := store.Open(cmd.Context(), filepath.Join(c.StateDir, databaseFile), store.Config{Log: log})
	if err != nil {
		return err
	}
	defer s.Close()
	return initial.Reset(cmd.Context(), c.first(account.New(s, time.Now), log, stdout))
}

// byPassword is the dashboard's question about a name and a password. The first right answer
// deletes the file with the first password.
func byPassword(a *account.Accounts, stateDir string, log *slog.Logger) people.SignIn {
	return func(ctx context.Context, attempt people.Attempt) (session.Who, error) {
		u, err := a.SignIn(ctx, attempt.User, attempt.Password)
		if err != nil {
			return session.Who{}, err
		}
		initial.Forget(stateDir, log)
		return session.Who{User: u.Name, Role: role(u.Role), Scope: u.Scope}, nil
	}
}

// byToken is the dashboard's question about an API token.
func byToken(t *apitoken.Tokens) func(context.Context, string) (session.Who, error) {
	return func(ctx context.Context, text string) (session.Who, error) {
		token, err := t.Find(ctx, text)
		if err != nil {
			return session.Who{}, err
		}
		return session.Who{User: token.User, Role: role(token.Role), Scope: token.Scope}, nil
	}
}

// role is what an account's role is to the dashboard.
func role(r account.Role) frame.Role {
	return frame.Viewer + frame.Role(max(0, slices.Index(account.Roles(), r)))
}
