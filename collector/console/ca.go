package console

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	seawallv1 "seawall/proto/seawall/v1"
)

func (c Console) ca() *cobra.Command {
	distrust := false
	retire := c.command("retire ID", "Tell hosts to believe an authority no more", cobra.ExactArgs(1), func(ctx context.Context, to client, args []string) error {
		_, err := to.RetireAuthority(ctx, &seawallv1.RetireAuthorityRequest{Id: args[0], Distrust: distrust})
		return err
	})
	retire.Flags().BoolVar(&distrust, "distrust", false, "refuse what it signed, too: its key may be stolen; hosts that have nothing else enrol again")
	return group("ca", "See and rotate the authorities that sign certificates", c.caList(),
		c.command("rotate", "Make a new authority, which signs from now on", cobra.NoArgs, func(ctx context.Context, to client, _ []string) error {
			if _, err := to.RotateAuthority(ctx, &seawallv1.RotateAuthorityRequest{}); err != nil {
				return err
			}
			fmt.Fprintln(c.Stderr, "a new authority signs; hosts get it over their streams: see ca list")
			return nil
		}), retire)
}

func (c Console) caList() *cobra.Command {
	asJSON := false
	cmd := c.command("list", "List authorities, and which hosts have which", cobra.NoArgs, func(ctx context.Context, to client, _ []string) error {
		answer, err := to.ListAuthorities(ctx, &seawallv1.ListAuthoritiesRequest{})
		if err != nil {
			return err
		}
		if asJSON {
			return c.json(answer)
		}
		rows := make([][]string, 0, len(answer.GetAuthorities()))
		for _, a := range answer.GetAuthorities() {
			rows = append(rows, []string{a.GetId(), authorityState(a), span(a.GetCreated(), c.Now()), span(a.GetExpires(), c.Now())})
		}
		if err := table(c.Stdout, "AUTHORITY STATE MADE EXPIRES", rows); err != nil {
			return err
		}
		rows = nil
		for _, revision := range slices.Backward(slices.Sorted(maps.Keys(answer.GetHosts()))) {
			state := "older"
			switch revision {
			case answer.GetBundleRevision():
				state = "newest"
			case 0:
				state = "not known yet"
			}
			rows = append(rows, []string{fmt.Sprint(revision), state, fmt.Sprint(answer.GetHosts()[revision])})
		}
		if len(rows) == 0 {
			return nil
		}
		fmt.Fprintln(c.Stdout)
		return table(c.Stdout, "BUNDLE STATE HOSTS", rows)
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "for programs")
	return cmd
}

func authorityState(a *seawallv1.Authority) string {
	switch {
	case a.GetDistrusted():
		return "distrusted"
	case a.GetRetired():
		return "retired"
	case a.GetActive():
		return "signs"
	}
	return "believed"
}
