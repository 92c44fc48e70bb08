package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"seawall/agent/enrol"
	"seawall/agent/identity"
	"seawall/agent/private"
	"seawall/pkg/service"
	"seawall/pkg/text"
	"seawall/pkg/token"
)

const (
	maxToken = 1 << 10
	lookAt   = 200 * time.Millisecond // how often the running program's state
)

// errPending is the error of an enrolment that a person has yet to approve.
var errPending = errors.New("waiting for approval")

func (p *program) enrollCommand() *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "enroll",
		Short: "Make this host one of the collector's",
		Long: `enroll asks the collector for an identity, with the token that
"seawall-collector token create" printed: in the file that --token-file names, on
standard input with "--token-file -", or already in the token file of the
configuration. The token is removed when it is not needed any more.

Where seawall-uplink runs it does the work, and enroll waits for it. On a host that
is enrolled nothing is done. Enrol as root or as the user of seawall-uplink.

It exits with 0 when the host is enrolled, 1 when it cannot be, 2 when the
configuration is wrong, and 3 when a person has to approve and has not yet.`,
		Example: `  seawall-uplink enroll --token-file -
  seawall-uplink enroll --token-file /root/token --wait 10m`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.enroll(cmd, wait) },
	}
	cmd.Flags().DurationVar(&wait, "wait", time.Minute, "how long to wait for the network and for approval")
	return cmd
}

// enroll has this host enrolled: by itself, or by the program that runs.
func (p *program) enroll(cmd *cobra.Command, wait time.Duration) error {
	// Here it says where the token is from, not where it is kept.
	source := cmd.Flags().Lookup("token-file").Value.String()
	c, err := p.config(cmd, "token-file")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), wait)
	defer cancel()
	if err := os.MkdirAll(c.stateDir, 0o700); err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	work := p.ensure
	lock, err := private.Lock(filepath.Join(c.stateDir, lockFile))
	switch {
	case err == nil:
		defer lock.Close()
	case errors.Is(err, private.ErrBusy):
		work = p.follow
	default:
		return fmt.Errorf("state directory: %w", err)
	}
	before, err := enrol.ReadState(c.stateDir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if id, err := identity.Read(c.stateDir); err == nil && id.Enrolled() && before.Phase != enrol.Refused {
		return p.enrolled(id)
	}
	if err := p.place(source, c.tokenFile); err != nil {
		return err
	}
	if err := work(ctx, c, before); err != nil {
		return err
	}
	id, err := identity.Read(c.stateDir)
	if err != nil {
		return err
	}
	return errors.Join(p.enrolled(id), tidy(source, c))
}

func (p *program) enrolled(id *identity.Identity) error {
	_, err := fmt.Fprintf(p.stdout, "enrolled as %s, certificate until %s\n", id.Host(), id.Expires().Format(time.RFC3339))
	return err
}

// place puts the token from source, if there is one, where the program that runs
// looks for it.
func (p *program) place(source, tokenFile string) error {
	var b []byte
	var err error
	switch source {
	case "", tokenFile:
		return nil
	case "-":
		b, err = io.ReadAll(io.LimitReader(p.stdin, maxToken))
	default:
		b, err = private.ReadFile(source, maxToken)
	}
	if err != nil {
		return configError{fmt.Errorf("read token: %w", err)}
	}
	t, err := token.Parse(string(b))
	if err != nil {
		return configError{err}
	}
	if err := private.WriteFile(tokenFile, []byte(t.Text()+"\n")); err != nil {
		return fmt.Errorf("keep token: %w", err)
	}
	return nil
}

// tidy removes a token that is not needed any more from where it was brought from.
func tidy(source string, c config) error {
	if source == "" || source == "-" || c.keepToken {
		return nil
	}
	if err := private.Remove(source); err != nil {
		return fmt.Errorf("remove used token: %w", err)
	}
	return nil
}

// ensure enrols in this process.
func (p *program) ensure(ctx context.Context, c config, _ enrol.State) error {
	log := service.NewLog(p.stderr, c.logLevel, p.environ)
	id, err := identity.Open(c.stateDir, identity.Config{Log: log})
	if err != nil {
		return err
	}
	e := p.enrolment(c, id, log)
	e.Attended = true
	state := enrol.New(e)
	err = state.Ensure(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return outcome(state.State())
	}
	return err
}

// outcome is the error of an enrolment that did not come to its end in time.
func outcome(s enrol.State) error {
	problem := text.Terminal(s.Problem)
	if s.Phase == enrol.Pending {
		return fmt.Errorf("%w: %s", errPending, problem)
	}
	if s.Phase == enrol.Trying {
		return fmt.Errorf("not enrolled: %s", problem)
	}
	return fmt.Errorf("not enrolled, %s: %s", s.Phase, problem)
}

// follow waits until the program that runs has enrolled this host, or says since
// before that it cannot.
func (p *program) follow(ctx context.Context, c config, before enrol.State) error {
	tick := time.NewTicker(lookAt)
	defer tick.Stop()
	s := before
	for {
		select {
		case <-ctx.Done():
			return outcome(s)
		case <-tick.C:
		}
		now, err := enrol.ReadState(c.stateDir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		s = now
		switch {
		case s.Phase == enrol.Enrolled:
			return nil
		case (s.Phase == enrol.Refused || s.Phase == enrol.BadToken) && s != before:
			return outcome(s)
		}
	}
}

// prepareImage makes the state directory that of a host that never ran.
func (p *program) prepareImage(cmd *cobra.Command, _ []string) error {
	c, err := p.config(cmd, "")
	if err != nil {
		return err
	}
	lock, err := private.Lock(filepath.Join(c.stateDir, lockFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it never ran
	}
	if errors.Is(err, private.ErrBusy) {
		return errors.New("seawall-uplink runs: stop it first (systemctl stop seawall-uplink)")
	}
	if err != nil {
		return err
	}
	defer lock.Close()
	files := []string{filepath.Join(c.stateDir, "state.json")} // of package uplink
	if !c.keepToken {
		files = append(files, c.tokenFile)
	}
	err = errors.Join(identity.Wipe(c.stateDir), enrol.Wipe(c.stateDir))
	for _, name := range files {
		err = errors.Join(err, private.Wipe(name))
	}
	return err
}
