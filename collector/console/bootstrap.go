package console

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"seawall/collector/bootstrap"
)

// bootstrap prints user-data with a token of its own.
func (c Console) bootstrap() *cobra.Command {
	var i invitation
	var asked bootstrap.Host
	var family, format string
	cmd := c.command("bootstrap", "Print user-data with which a new machine becomes a host", cobra.NoArgs, func(ctx context.Context, to client, _ []string) error {
		h, err := c.Host()
		if asked.Collector != "" {
			h.Collector, err = asked.Collector, nil
		}
		if err != nil {
			return err
		}
		if asked.Package != "" {
			h.Repo, h.Key, h.Package = "", "", asked.Package
		}
		h.Family, h.Labels = bootstrap.Family(family), asked.Labels
		if err := h.Check(); err != nil {
			return err // before there is a token
		}
		i.request.Label = strings.Join(append([]string{"bootstrap"}, h.Labels...), " ")
		made, err := i.create(ctx, to)
		if err != nil {
			return err
		}
		t := made.GetToken()
		text, err := bootstrap.Text(h, bootstrap.Token{
			ID: t.GetId(), Text: made.GetText(), Expires: t.GetExpires().AsTime(), Uses: int(t.GetUses()), Approval: t.GetApproval(),
		}, bootstrap.Format(format))
		if err != nil {
			return err
		}
		if _, err := fmt.Fprint(c.Stdout, text); err != nil {
			return err
		}
		fmt.Fprintf(c.Stderr, "user-data with token %s, for %s%s until %s; end it: seawall-collector token revoke %[1]s\n",
			t.GetId(), plural(t.GetUses(), "host"), tagged(t), t.GetExpires().AsTime().UTC().Format("2006-01-02 15:04:05Z"))
		return nil
	})
	cmd.Long = `Print, on standard output, user-data for cloud-init, or the same as a shell script
for a machine that runs already. It installs the package and enrols the machine, with
a new token that is in it: whoever reads the text before the machine does can enrol in
its place, so keep it as short as the token lives.

Where hosts reach the collector and where packages come from are settings (advertise,
repo, repo_key): "seawall-collector setup" writes them.`
	cmd.Example = `  seawall-collector bootstrap >user-data
  doctl compute droplet create web-1 --user-data-file user-data --image debian-12-x64 --size s-1vcpu-1gb --region fra1
  seawall-collector bootstrap --family rhel --tag env=prod --label role=web --name 'web-*'
  seawall-collector bootstrap --format shell | ssh root@host sh`
	f := cmd.Flags()
	f.StringVar(&family, "family", string(bootstrap.Debian), "`distribution` of the machine: debian (Ubuntu, too) or rhel")
	f.StringVar(&format, "format", string(bootstrap.CloudConfig), "`form` of the text: cloud-config or shell")
	f.StringVar(&asked.Package, "package", "", "`file` on the machine to install, in place of a repository's package")
	f.StringArrayVar(&asked.Labels, "label", nil, "`key=value` that the host says of itself, to find it by; may be repeated")
	f.StringVar(&asked.Collector, "collector", "", "`address` where the machine reaches the collector, host:port (default: advertise)")
	i.register(f)
	return cmd
}
