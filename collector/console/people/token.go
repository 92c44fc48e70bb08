package people

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	seawallv1 "seawall/proto/seawall/v1"
)

func (c Console) tokenAdd() *cobra.Command {
	var r seawallv1.AddApiTokenRequest
	var good string
	cmd := c.command("add USER", "Print a new API token of a user", cobra.ExactArgs(1), func(ctx context.Context, to client, args []string) error {
		d, err := life(good)
		if err != nil {
			return err
		}
		r.User, r.LifeSeconds = args[0], int64(d.Seconds())
		made, err := to.AddApiToken(ctx, &r)
		if err != nil {
			return err
		}
		t := made.GetToken()
		fmt.Fprintf(c.Stderr, "API token %s of %s, %s of %s hosts until %s, shown once:\n", t.GetId(), t.GetUser(), t.GetRole(), hosts(t.GetScope()), when(t.GetExpires()))
		_, err = fmt.Fprintln(c.Stdout, made.GetText())
		return err
	})
	cmd.Long = `Print a new API token on standard output, and what it is good for on standard error.
Programs send it as "Authorization: Bearer TOKEN". It can never do more than its user.`
	c.bounds(cmd, &r.Role, &r.Scope)
	cmd.Flags().StringVar(&r.Label, "label", "", "what it is for, a `text` for people")
	cmd.Flags().StringVar(&good, "life", "90d", "how long it is good for, as `time`: 90d, 12h")
	_ = cmd.MarkFlagRequired("label") // the flag is there
	return cmd
}

func (c Console) tokenList() *cobra.Command {
	var user string
	var asJSON bool
	cmd := c.command("list", "List API tokens", cobra.NoArgs, func(ctx context.Context, to client, _ []string) error {
		all, err := to.ListApiTokens(ctx, &seawallv1.ListApiTokensRequest{User: user})
		if err != nil {
			return err
		}
		if asJSON {
			return c.JSON(all)
		}
		var rows [][]string
		for _, t := range all.GetTokens() {
			rows = append(rows, []string{t.GetId(), t.GetUser(), t.GetLabel(), t.GetRole(), hosts(t.GetScope()), when(t.GetExpires()), when(t.GetUsed())})
		}
		return c.table("ID\tUSER\tLABEL\tROLE\tHOSTS\tEXPIRES\tUSED", rows)
	})
	cmd.Flags().StringVar(&user, "user", "", "of this `name` alone")
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func (c Console) tokenRevoke() *cobra.Command {
	return c.command("revoke ID", "End an API token", cobra.ExactArgs(1), func(ctx context.Context, to client, args []string) error {
		_, err := to.RevokeApiToken(ctx, &seawallv1.RevokeApiTokenRequest{Id: args[0]})
		return err
	})
}

func (c Console) trailList() *cobra.Command {
	var r seawallv1.ListTrailRequest
	var asJSON bool
	cmd := c.command("list", "List what people did, newest first", cobra.NoArgs, func(ctx context.Context, to client, _ []string) error {
		all, err := to.ListTrail(ctx, &r)
		if err != nil {
			return err
		}
		if asJSON {
			return c.JSON(all)
		}
		var rows [][]string
		for _, e := range all.GetEntries() {
			rows = append(rows, []string{strconv.FormatInt(e.GetSeq(), 10), when(e.GetTime()), e.GetWho(), e.GetAction(), e.GetTarget(), e.GetDetail()})
		}
		return c.table("NO\tTIME\tWHO\tACTION\tTARGET\tDETAIL", rows)
	})
	f := cmd.Flags()
	f.StringVar(&r.Who, "who", "", "by this `name` alone")
	f.StringVar(&r.Action, "action", "", "`what` alone: user, or user add")
	f.Int64Var(&r.Before, "before", 0, "entries with a smaller `number`")
	f.Int32Var(&r.Limit, "limit", 50, "at most this `many`")
	f.BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

// ErrBroken says that the trail is not as it was written.
var ErrBroken = errors.New("the audit trail was altered")

func (c Console) trailVerify() *cobra.Command {
	var head string
	cmd := c.command("verify", "Say whether the record is as it was written", cobra.NoArgs, func(ctx context.Context, to client, _ []string) error {
		v, err := to.VerifyTrail(ctx, &seawallv1.VerifyTrailRequest{Head: head})
		if err != nil {
			return err
		}
		if v.GetBroken() != "" {
			return fmt.Errorf("%w: after %d entries that hold: %s", ErrBroken, v.GetEntries(), v.GetBroken())
		}
		_, err = fmt.Fprintf(c.Stdout, "%d entries hold; newest hash %s\n", v.GetEntries(), v.GetHead())
		return err
	})
	cmd.Long = `Read the whole record and say whether each entry is as it was written and none is missing.
Who can write the database can make all of it anew: keep the newest hash elsewhere, and
give it later as --head.`
	cmd.Flags().StringVar(&head, "head", "", "a `hash` that was the newest once, and must be there still")
	return cmd
}
