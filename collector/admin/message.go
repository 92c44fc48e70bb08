package admin

import (
	"encoding/hex"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"seawall/collector/fleet"
	"seawall/pkg/text"
	seawallv1 "seawall/proto/seawall/v1"
)

// stamp returns nothing for the zero time.
func stamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

func newToken(t fleet.Token) *seawallv1.Token {
	scope := &seawallv1.Scope{Name: t.Scope.Name, Clones: t.Scope.Clones}
	for _, n := range t.Scope.Networks {
		scope.Networks = append(scope.Networks, n.String())
	}
	return &seawallv1.Token{
		Id: t.ID, Label: t.Label, Created: stamp(t.Created), Expires: stamp(t.Expires), Uses: uint32(t.Uses), Used: uint32(t.Used),
		Scope: scope, Approval: t.Approval, Revoked: stamp(t.Revoked), Tags: t.Tags,
	}
}

func member(m fleet.Member) *seawallv1.Member {
	return &seawallv1.Member{
		Id: string(m.Host), Name: m.Machine.HostName, Standing: string(m.Standing), Reason: m.Reason, Since: stamp(m.Since),
		Enrolled: stamp(m.Enrolled), Token: m.Token, CloneOf: string(m.CloneOf), Expires: stamp(m.Expires),
		BundleRevision: m.Bundle, Recoveries: uint32(m.Recoveries), Recovered: stamp(m.Recovered), Archived: stamp(m.Archived),
		DropletId: m.Machine.DropletID, Key: hex.EncodeToString(m.Key[:]),
	}
}

func request(r fleet.Request) *seawallv1.Request {
	address := ""
	if r.From.IsValid() {
		address = r.From.String()
	}
	return &seawallv1.Request{
		Id: r.ID, Name: r.Machine.HostName, DropletId: r.Machine.DropletID, Address: address, Token: r.Token,
		CloneOf: string(r.CloneOf), Asked: stamp(r.Asked), Again: stamp(r.Again), Decision: string(r.Decision), Tags: r.Tags,
	}
}

// reason is what the person said, or a word in its place.
func reason(r *seawallv1.ChangeHostRequest, otherwise string) string {
	if given := text.Clean(r.GetReason(), 256); given != "" {
		return given
	}
	return otherwise
}
