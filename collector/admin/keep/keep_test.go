package keep

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"seawall/collector/db"
	"seawall/collector/fleet"
	"seawall/collector/store"
	"seawall/collector/store/erase"
	"seawall/collector/trail"
	seawallv1 "seawall/proto/seawall/v1"
)

const (
	one = "0101010101010101" + "0101010101010101"
	two = "0101010102020202" + "0202020202020202"
)

// open returns the service over a store with two hosts whose ids begin alike.
func open(t *testing.T) (*store.Store, *Service) {
	t.Helper()
	s, err := store.Open(t.Context(), filepath.Join(t.TempDir(), "collector.db"), store.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for _, id := range []fleet.HostID{one, two} {
		key, err := id.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		err = s.Write(t.Context(), func(w db.Writer) error {
			return w.Exec("INSERT INTO host (host, first_seen, last_seen, name) VALUES (?, 1, 1, 'h')", key)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return s, &Service{Data: s, Days: 30, Forget: func(ctx context.Context, id fleet.HostID, record func(db.Writer, int64) error) (rows int64, err error) {
		_, err = s.Forget(ctx, id, func(w db.Writer, gone []erase.Count) error {
			for _, c := range gone {
				rows += c.Rows
			}
			return record(w, rows)
		})
		return rows, err
	}}
}

// TestHosts: a host is named by its id or the beginning of it, and by no beginning of
// several.
func TestHosts(t *testing.T) {
	s, service := open(t)
	waiver := func(host string) error {
		_, err := service.AddWaiver(t.Context(), &seawallv1.AddWaiverRequest{Waiver: &seawallv1.Waiver{Check: "ssh-root", Host: host, Owner: "ann", Reason: "known",
			Expires: timestamppb.New(time.Now().Add(time.Hour))}})
		return err
	}
	for host, want := range map[string]codes.Code{
		one: codes.OK, "01010101010": codes.OK, "01010101": codes.InvalidArgument, "0101": codes.NotFound, "33333333": codes.NotFound, "' OR 1=1": codes.NotFound,
	} {
		if err := waiver(host); status.Code(err) != want {
			t.Errorf("%q: %v, want %v", host, err, want)
		}
	}
	gone, err := service.ForgetHost(t.Context(), &seawallv1.ForgetHostRequest{Host: "0101010101"})
	if err != nil || gone.GetHost() != one || gone.GetRows() < 2 {
		t.Fatalf("%v %v", gone, err)
	}
	if _, err := service.ForgetHost(t.Context(), &seawallv1.ForgetHostRequest{Host: one}); status.Code(err) != codes.NotFound {
		t.Errorf("forgotten twice: %v", err)
	}
	all, err := service.ListWaivers(t.Context(), &seawallv1.ListWaiversRequest{})
	if err != nil || len(all.GetWaivers()) != 0 {
		t.Errorf("waivers of a forgotten host: %v %v", all, err)
	}
	var did []string
	err = s.Read(t.Context(), func(q db.Querier) error {
		entries, err := trail.List(t.Context(), q, trail.Query{Action: "host"})
		for _, e := range entries {
			did = append(did, e.Who+" "+e.Action+" "+e.Target)
		}
		return err
	})
	if want := "unknown host forget " + one; err != nil || strings.Join(did, "|") != want {
		t.Errorf("trail %q, want %q, %v", did, want, err)
	}
}

// TestEnd: a waiver ends once, and is listed as past with who ended it.
func TestEnd(t *testing.T) {
	_, service := open(t)
	made, err := service.AddWaiver(t.Context(), &seawallv1.AddWaiverRequest{Waiver: &seawallv1.Waiver{Check: "ssh-root", Owner: "ann", Reason: "known",
		Expires: timestamppb.New(time.Now().Add(time.Hour))}})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []codes.Code{codes.OK, codes.NotFound} {
		if _, err := service.EndWaiver(t.Context(), &seawallv1.EndWaiverRequest{Id: made.GetId()}); status.Code(err) != want {
			t.Errorf("end %d: %v, want %v", i, err, want)
		}
	}
	past, err := service.ListWaivers(t.Context(), &seawallv1.ListWaiversRequest{Past: true})
	if err != nil || len(past.GetWaivers()) != 1 || past.GetWaivers()[0].GetEndedBy() != "unknown" {
		t.Errorf("%v %v", past, err)
	}
}

func TestRetention(t *testing.T) {
	_, service := open(t)
	for request, want := range map[string]codes.Code{"changes 7": codes.OK, "changes 0": codes.InvalidArgument, "trail 0": codes.OK, "x 7": codes.InvalidArgument} {
		kind, number, _ := strings.Cut(request, " ")
		r := &seawallv1.SetRetentionRequest{Kind: kind}
		if _, err := fmt.Sscan(number, &r.Days); err != nil {
			t.Fatal(err)
		}
		if _, err := service.SetRetention(t.Context(), r); status.Code(err) != want {
			t.Errorf("%s: %v, want %v", request, err, want)
		}
	}
	all, err := service.ListRetention(t.Context(), &seawallv1.ListRetentionRequest{})
	if err != nil || len(all.GetKinds()) != 5 || all.GetKinds()[0].GetDays() != 7 || all.GetKinds()[1].GetDays() != 30 {
		t.Errorf("%v %v", all, err)
	}
}
