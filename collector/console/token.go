package console

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"seawall/pkg/text"
	seawallv1 "seawall/proto/seawall/v1"
)

func (c Console) token() *cobra.Command {
	return group("token", "Invite hosts", c.tokenCreate(), c.tokenList(),
		c.command("revoke ID", "End a token; hosts that it admitted stay", cobra.ExactArgs(1), func(ctx context.Context, to client, args []string) error {
			_, err := to.RevokeToken(ctx, &seawallv1.RevokeTokenRequest{Id: args[0]})
			return err
		}))
}

func (c Console) tokenCreate() *cobra.Command {
	var i invitation
	cmd := c.command("create", "Print a new token, which invites a host", cobra.NoArgs, func(ctx context.Context, to client, _ []string) error {
		made, err := i.create(ctx, to)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintln(c.Stdout, made.GetText()); err != nil {
			return err
		}
		t := made.GetToken()
		fmt.Fprintf(c.Stderr, "token %s, shown once, for %s%s until %s; on the host: seawall-uplink enroll --token-file -\n",
			t.GetId(), plural(t.GetUses(), "host"), tagged(t), t.GetExpires().AsTime().UTC().Format("2006-01-02 15:04:05Z"))
		return nil
	})
	cmd.Long = `Print a new token on standard output, and what it is good for on standard error.

The token holds a secret, which is shown once and not kept, and names this
collector's authority: a host that has it talks to no other collector.`
	f := cmd.Flags()
	f.StringVar(&i.request.Label, "label", "", "`text` for people")
	f.BoolVar(&i.scope.Clones, "clones", false, "only for copies of enrolled hosts")
	i.register(f)
	return cmd
}

// invitation is a token to be made.
type invitation struct {
	request seawallv1.CreateTokenRequest
	scope   seawallv1.Scope
	ttl     life
}

// register registers the flags that say what a token is good for.
func (i *invitation) register(f *pflag.FlagSet) {
	i.ttl = life(time.Hour)
	f.Var(&i.ttl, "ttl", "how long it invites, like 90m, 1h or 7d")
	f.Uint32Var(&i.request.Uses, "uses", 1, "how many hosts it invites")
	f.StringSliceVar(&i.scope.Networks, "network", nil, "`network` that hosts must come from, like 10.0.0.0/8; may be repeated")
	f.StringVar(&i.scope.Name, "name", "", "`pattern` that a host's name must match, like 'web-*'")
	f.StringArrayVar(&i.request.Tags, "tag", nil, "`tag` that its hosts are given, like env=prod, by which scopes, waivers and rules go; may be repeated")
	f.BoolVar(&i.request.Approval, "approval", false, "a person has to approve each host")
}

func (i *invitation) create(ctx context.Context, to client) (*seawallv1.CreateTokenResponse, error) {
	if i.request.GetUses() == 0 {
		return nil, errors.New("uses: 0 hosts cannot be invited")
	}
	i.request.TtlSeconds = uint64(time.Duration(i.ttl) / time.Second)
	i.request.Scope = &i.scope
	return to.CreateToken(ctx, &i.request)
}

func (c Console) tokenList() *cobra.Command {
	asJSON, all := false, false
	cmd := c.command("list", "List tokens", cobra.NoArgs, func(ctx context.Context, to client, _ []string) error {
		answer, err := to.ListTokens(ctx, &seawallv1.ListTokensRequest{})
		if err != nil {
			return err
		}
		if asJSON {
			return c.json(answer)
		}
		var rows [][]string
		for _, t := range answer.GetTokens() {
			state := tokenState(t, c.Now())
			if state != "good" && !all && c.Now().Sub(t.GetExpires().AsTime()) > 7*24*time.Hour {
				continue
			}
			rows = append(rows, []string{t.GetId(), state, fmt.Sprintf("%d/%d", t.GetUsed(), t.GetUses()),
				span(t.GetExpires(), c.Now()), scope(t), strings.Join(t.GetTags(), " "), t.GetLabel()})
		}
		return table(c.Stdout, "TOKEN STATE USED EXPIRES FOR TAGS LABEL", rows)
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "for programs")
	cmd.Flags().BoolVar(&all, "all", false, "those that expired more than a week ago, too")
	return cmd
}

func tokenState(t *seawallv1.Token, now time.Time) string {
	switch {
	case t.GetRevoked() != nil:
		return "revoked"
	case t.GetUsed() >= t.GetUses():
		return "used up"
	case !now.Before(t.GetExpires().AsTime()):
		return "expired"
	}
	return "good"
}

// scope says for whom a token is.
func scope(t *seawallv1.Token) string {
	var words []string
	s := t.GetScope()
	if s.GetClones() {
		words = append(words, "copies")
	}
	if s.GetName() != "" {
		words = append(words, s.GetName())
	}
	if n := s.GetNetworks(); len(n) > 0 {
		words = append(words, strings.Join(n, ","))
	}
	if t.GetApproval() {
		words = append(words, "with approval")
	}
	if len(words) == 0 {
		return "any"
	}
	return strings.Join(words, " ")
}

// tagged says what tags the hosts of a token are given.
func tagged(t *seawallv1.Token) string {
	if len(t.GetTags()) == 0 {
		return ""
	}
	return text.Terminal(" tagged " + strings.Join(t.GetTags(), " "))
}

func plural(n uint32, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// life is a duration that may be given in days.
type life time.Duration

func (l *life) String() string { return time.Duration(*l).String() }
func (l *life) Type() string   { return "time" }
func (l *life) Set(v string) error {
	if n, ok := strings.CutSuffix(v, "d"); ok {
		days, err := strconv.ParseUint(n, 10, 16)
		if err != nil {
			return errors.New("not a number of days")
		}
		*l = life(time.Duration(days) * 24 * time.Hour)
		return nil
	}
	d, err := time.ParseDuration(v)
	if err == nil && d < time.Second {
		err = errors.New("shorter than a second")
	}
	*l = life(d)
	return err
}
