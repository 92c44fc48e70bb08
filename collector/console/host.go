package console

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"seawall/pkg/text"
	seawallv1 "seawall/proto/seawall/v1"
)

func (c Console) host() *cobra.Command {
	return group("host", "See, approve, revoke and release hosts",
		c.hostList(),
		c.command("show ID", "Show one host or one request", cobra.ExactArgs(1), c.hostShow),
		c.decide("approve ID", "Admit a host that waits", true),
		c.decide("reject ID", "Refuse a host that waits, and remember it", false),
		c.change("revoke ID", "End a host's stream and refuse its key for ever", seawallv1.HostChange_HOST_CHANGE_REVOKE, "revoked"),
		c.change("release ID", "Let a quarantined host deliver again: the first that comes with its key", seawallv1.HostChange_HOST_CHANGE_RELEASE, "released"),
		c.change("archive ID", "Take a host out of counts and lists until it delivers again", seawallv1.HostChange_HOST_CHANGE_ARCHIVE, "archived"))
}

func (c Console) hostList() *cobra.Command {
	asJSON := false
	cmd := c.command("list", "List hosts, and those that wait for approval", cobra.NoArgs, func(ctx context.Context, to client, _ []string) error {
		answer, err := to.ListHosts(ctx, &seawallv1.ListHostsRequest{})
		if err != nil {
			return err
		}
		if asJSON {
			return c.json(answer)
		}
		rows := make([][]string, 0, len(answer.GetMembers()))
		for _, m := range answer.GetMembers() {
			rows = append(rows, []string{m.GetId(), m.GetName(), standing(m), seen(m, c.Now()), span(m.GetExpires(), c.Now()),
				number(m.GetRecoveries()), short(m.GetCloneOf())})
		}
		if err := table(c.Stdout, "HOST NAME STANDING SEEN EXPIRES RECOVERIES COPY-OF", rows); err != nil {
			return err
		}
		return c.requests(answer.GetRequests())
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "for programs")
	return cmd
}

// requests prints who waits, when there is somebody.
func (c Console) requests(all []*seawallv1.Request) error {
	var rows [][]string
	for _, r := range all {
		rows = append(rows, []string{r.GetId(), r.GetName(), r.GetDecision(), r.GetAddress(), span(r.GetAsked(), c.Now()),
			span(r.GetAgain(), c.Now()), short(r.GetCloneOf()), r.GetToken(), strings.Join(r.GetTags(), " ")})
	}
	if len(rows) == 0 {
		return nil
	}
	fmt.Fprintln(c.Stdout)
	return table(c.Stdout, "REQUEST NAME DECISION FROM ASKED AGAIN COPY-OF TOKEN TAGS", rows)
}

func standing(m *seawallv1.Member) string {
	if m.GetArchived() != nil {
		return m.GetStanding() + ", archived"
	}
	return m.GetStanding()
}

func seen(m *seawallv1.Member, now time.Time) string {
	if m.GetPresence() == "" {
		return ""
	}
	return m.GetPresence() + ", " + span(m.GetLastSeen(), now)
}

func number(n uint32) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

// short is the beginning of an id, enough to tell it from others.
func short(id string) string { return id[:min(len(id), 8)] }

func (c Console) hostShow(ctx context.Context, to client, args []string) error {
	all, err := to.ListHosts(ctx, &seawallv1.ListHostsRequest{})
	if err != nil {
		return err
	}
	for _, r := range all.GetRequests() {
		if r.GetId() == args[0] {
			return list(c.Stdout, "request", r.GetId(), "name", r.GetName(), "droplet", r.GetDropletId(), "from", r.GetAddress(),
				"token", r.GetToken(), "tags", strings.Join(r.GetTags(), " "), "copy of", r.GetCloneOf(), "decision", r.GetDecision(),
				"asked", moment(r.GetAsked(), c.Now()), "again", moment(r.GetAgain(), c.Now()))
		}
	}
	id, err := find(all.GetMembers(), args[0])
	if err != nil {
		return err
	}
	for _, m := range all.GetMembers() {
		if m.GetId() != id {
			continue
		}
		return list(c.Stdout, "host", m.GetId(), "name", m.GetName(), "droplet", m.GetDropletId(), "key", "sha256:"+m.GetKey(),
			"standing", m.GetStanding(), "reason", m.GetReason(), "since", moment(m.GetSince(), c.Now()),
			"seen", seen(m, c.Now()), "enrolled", moment(m.GetEnrolled(), c.Now()), "token", m.GetToken(), "copy of", m.GetCloneOf(),
			"certificate expires", moment(m.GetExpires(), c.Now()), "bundle", fmt.Sprint(m.GetBundleRevision()),
			"recoveries", number(m.GetRecoveries()), "recovered", moment(m.GetRecovered(), c.Now()),
			"archived", moment(m.GetArchived(), c.Now()))
	}
	return nil
}

// find returns the one member whose id begins so. Names decide nothing: hosts give
// them to themselves.
func find(members []*seawallv1.Member, begin string) (string, error) {
	var found []string
	for _, m := range members {
		if m.GetId() == begin {
			return begin, nil
		}
		if len(begin) >= 4 && strings.HasPrefix(m.GetId(), begin) {
			found = append(found, m.GetId())
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("no such host or request: %s (give an id of host list, or 4 digits of it at least)", text.Terminal(begin))
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%d hosts begin with %s", len(found), begin)
}

func (c Console) decide(use, short string, approve bool) *cobra.Command {
	return c.command(use, short, cobra.ExactArgs(1), func(ctx context.Context, to client, args []string) error {
		answer, err := to.DecideRequest(ctx, &seawallv1.DecideRequestRequest{Id: args[0], Approve: approve})
		if err != nil {
			return err
		}
		r := answer.GetRequest()
		fmt.Fprintf(c.Stderr, "request %s of %s is %s", r.GetId(), text.Terminal(r.GetName()), r.GetDecision())
		if approve {
			fmt.Fprint(c.Stderr, "; the host is admitted when it asks again, within a few minutes")
		}
		fmt.Fprintln(c.Stderr)
		return nil
	})
}

func (c Console) change(use, short string, change seawallv1.HostChange, done string) *cobra.Command {
	reason := ""
	cmd := c.command(use, short, cobra.ExactArgs(1), func(ctx context.Context, to client, args []string) error {
		all, err := to.ListHosts(ctx, &seawallv1.ListHostsRequest{})
		if err != nil {
			return err
		}
		id, err := find(all.GetMembers(), args[0])
		if err != nil {
			return err
		}
		answer, err := to.ChangeHost(ctx, &seawallv1.ChangeHostRequest{Id: id, Change: change, Reason: reason})
		if err != nil {
			return err
		}
		if answer.GetMember() == nil {
			return errors.New("the collector's answer holds nothing")
		}
		fmt.Fprintf(c.Stderr, "host %s (%s) is %s\n", id, text.Terminal(answer.GetMember().GetName()), done)
		return nil
	})
	if change == seawallv1.HostChange_HOST_CHANGE_REVOKE {
		cmd.Flags().StringVar(&reason, "reason", "", "`text` for people, shown in the host's timeline")
	}
	return cmd
}
