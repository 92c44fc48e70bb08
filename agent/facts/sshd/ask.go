package sshd

import (
	"context"
	"errors"

	"seawall/agent/facts/fact"
	"seawall/pkg/sshdconf"
)

// AskConnection returns every keyword with the value that holds for one
// connection; spec is what sshd's -C option takes, and may be empty. On the
// running system the values are those of sshd -T -C spec; on an image, or where
// sshd cannot run for want of host keys or of /run/sshd, they are this program's
// own reading. What sshd refuses is a *RefusedError with its message.
func AskConnection(ctx context.Context, env fact.Env, spec string) (map[string]Setting, error) {
	s := findServer(env)
	a, err := readAccounts(env.Root)
	if err != nil {
		return nil, err
	}
	c := s.load(env.Root, a)
	if c.hazard != nil {
		return nil, c.hazard
	}
	asked, askErr := s.ask(ctx, env, spec)
	var refused *RefusedError
	if errors.As(askErr, &refused) {
		return nil, refused
	}
	if askErr == nil && c.refused != nil {
		c.tolerate(env.Root, s, a)
	}
	conn, err := sshdconf.ParseConn(spec, s.release)
	if askErr == nil {
		return settings(asked, c.provenance(conn)), nil
	}
	if c.refused != nil {
		return nil, refusal(c.refused)
	}
	var own map[string]sshdconf.Value
	if err == nil {
		own, err = c.config.Effective(conn)
	}
	var parsed *sshdconf.Error
	if errors.As(err, &parsed) {
		return nil, refusal(parsed)
	}
	if err != nil {
		return nil, err
	}
	return settings(nil, own), nil
}

func refusal(e *sshdconf.Error) *RefusedError {
	return &RefusedError{Message: clean(e.Message), File: e.File, Line: e.Line}
}
