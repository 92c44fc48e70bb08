package admin

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store/membership"
	"seawall/collector/trail"
	seawallv1 "seawall/proto/seawall/v1"
)

// TestTrail does all that changes something by the socket: each leaves its entry in the
// audit trail, under the name of who asked. What only reads, and what is refused, leaves
// none.
func TestTrail(t *testing.T) {
	o := open(t)
	o.admit(t, one)
	o.admit(t, two)
	key := fleet.KeyHash{1}
	err := o.cfg.Update(t.Context(), func(tx *membership.Tx) error {
		return tx.PutRequest(fleet.Request{Key: key, From: netip.MustParseAddr("192.0.2.1"), Machine: fleet.Machine{HostName: "db-1"},
			Asked: tx.Now(), Again: tx.Now(), Decision: fleet.Waiting})
	})
	if err != nil {
		t.Fatal(err)
	}
	token, old := "", ""
	const request = "0100000000000000"
	steps := map[string][]func(context.Context) (action, target string, err error){
		"CreateToken": {func(ctx context.Context) (string, string, error) {
			made, err := o.CreateToken(ctx, &seawallv1.CreateTokenRequest{Label: "web"})
			token = made.GetToken().GetId()
			return "token create", token, err
		}},
		"RevokeToken": {func(ctx context.Context) (string, string, error) {
			_, err := o.RevokeToken(ctx, &seawallv1.RevokeTokenRequest{Id: token})
			return "token revoke", token, err
		}},
		"ChangeHost": {func(ctx context.Context) (string, string, error) {
			_, err := o.ChangeHost(ctx, &seawallv1.ChangeHostRequest{Id: string(one), Change: seawallv1.HostChange_HOST_CHANGE_ARCHIVE})
			return "host archive", string(one), err
		}, func(ctx context.Context) (string, string, error) {
			_, err := o.ChangeHost(ctx, &seawallv1.ChangeHostRequest{Id: string(one), Change: seawallv1.HostChange_HOST_CHANGE_REVOKE, Reason: "sold"})
			return "host revoke", string(one), err
		}, func(ctx context.Context) (string, string, error) {
			// Not by a person: the host did it.
			if _, err := o.cfg.Roster.Change(ctx, two, func(m *fleet.Member) error { m.Standing = fleet.Quarantined; return nil }); err != nil {
				return "", "", err
			}
			_, err := o.ChangeHost(ctx, &seawallv1.ChangeHostRequest{Id: string(two), Change: seawallv1.HostChange_HOST_CHANGE_RELEASE})
			return "host release", string(two), err
		}},
		"DecideRequest": {func(ctx context.Context) (string, string, error) {
			_, err := o.DecideRequest(ctx, &seawallv1.DecideRequestRequest{Id: request, Approve: true})
			return "request approved", request, err
		}},
		"RotateAuthority": {func(ctx context.Context) (string, string, error) {
			old = o.cfg.Authority.List()[0].ID
			_, err := o.RotateAuthority(ctx, &seawallv1.RotateAuthorityRequest{})
			return "authority rotate", o.cfg.Authority.Pin().String(), err
		}},
		"RetireAuthority": {func(ctx context.Context) (string, string, error) {
			_, err := o.RetireAuthority(ctx, &seawallv1.RetireAuthorityRequest{Id: old, Distrust: true})
			return "authority retire", old, err
		}},
	}
	var want, got []trail.Entry
	who := fmt.Sprintf("uid %d", os.Getuid())
	if os.Getuid() == 0 {
		who = "root"
	}
	for _, m := range seawallv1.AdminService_ServiceDesc.Methods {
		if strings.HasPrefix(m.MethodName, "List") {
			continue
		}
		if steps[m.MethodName] == nil {
			t.Errorf("%s is not tested, and may leave no entry", m.MethodName)
		}
		for _, step := range steps[m.MethodName] {
			if m.MethodName == "RevokeToken" && token == "" {
				t.Fatal("no token to revoke yet")
			}
			action, target, err := step(t.Context())
			if err != nil {
				t.Fatalf("%s: %v", m.MethodName, err)
			}
			want = append(want, trail.Entry{Who: who, Action: action, Target: target})
		}
	}
	// Refused, or nothing to do.
	_, _ = o.ChangeHost(t.Context(), &seawallv1.ChangeHostRequest{Id: string(one), Change: seawallv1.HostChange_HOST_CHANGE_RELEASE})
	_, _ = o.ChangeHost(t.Context(), &seawallv1.ChangeHostRequest{Id: string(one), Change: seawallv1.HostChange_HOST_CHANGE_REVOKE})
	_, _ = o.RevokeToken(t.Context(), &seawallv1.RevokeTokenRequest{Id: token})
	_, _ = o.CreateToken(t.Context(), &seawallv1.CreateTokenRequest{TtlSeconds: 1})
	_, _ = o.DecideRequest(t.Context(), &seawallv1.DecideRequestRequest{Id: "none"})
	_, _ = o.ListHosts(t.Context(), &seawallv1.ListHostsRequest{})
	err = o.store.Read(t.Context(), func(q db.Querier) error {
		all, err := trail.List(t.Context(), q, trail.Query{Limit: 100})
		for _, e := range all {
			if time.Since(e.Time) > time.Minute {
				t.Errorf("%s at %s", e.Action, e.Time)
			}
			got = append([]trail.Entry{{Who: e.Who, Action: e.Action, Target: e.Target}}, got...)
		}
		return err
	})
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
