package people

import (
	"context"

	"github.com/spf13/cobra"

	seawallv1 "seawall/proto/seawall/v1"
)

func (c Console) hostTags() *cobra.Command {
	var asJSON bool
	cmd := c.command("list", "List the hosts that have tags", cobra.NoArgs, func(ctx context.Context, to client, _ []string) error {
		all, err := to.ListHostTags(ctx, &seawallv1.ListHostTagsRequest{})
		if err != nil {
			return err
		}
		if asJSON {
			return c.JSON(all)
		}
		var rows [][]string
		for _, h := range all.GetHosts() {
			rows = append(rows, []string{h.GetHost(), h.GetName(), hosts(h.GetTags())})
		}
		return c.table("HOST\tNAME\tTAGS", rows)
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON")
	return cmd
}

func (c Console) hostTag() *cobra.Command {
	var r seawallv1.SetHostTagsRequest
	cmd := c.command("set HOST", "Give a host tags, or take them away", cobra.ExactArgs(1), func(ctx context.Context, to client, args []string) error {
		r.Host = args[0]
		set, err := to.SetHostTags(ctx, &r)
		if err != nil {
			return err
		}
		var rows [][]string
		for _, tag := range set.GetTags() {
			rows = append(rows, []string{tag})
		}
		return c.table("TAGS", rows)
	})
	cmd.Long = `Give a host tags, or take them away. HOST is its id, or the first eight digits of it. Who sees
which hosts, and what a waiver covers, goes by these tags and never by what a host says of itself.`
	cmd.Example = `  seawall-collector tag set 5f0c9a1e --add web --add production
  seawall-collector tag set 5f0c9a1e --remove production`
	cmd.Flags().StringArrayVar(&r.Add, "add", nil, "`tag` to give, once for each")
	cmd.Flags().StringArrayVar(&r.Remove, "remove", nil, "`tag` to take away, once for each")
	return cmd
}
