package frame

import (
	"context"
	"fmt"
	"io/fs"
	"net/http"

	"seawall/collector/fleet"
)

// Posture answers for hosts. A host that does not exist is an error that
// errors.Is fs.ErrNotExist.
type Posture interface {
	Overview(ctx context.Context) (fleet.Overview, error)
	Hosts(ctx context.Context) ([]fleet.Host, error)
	Host(ctx context.Context, id fleet.HostID) (fleet.HostDetail, error)
	Timeline(ctx context.Context, q fleet.TimelineQuery) ([]fleet.Event, error)
}

// Lists answers for as many hosts as there are, a page at a time, within a scope.
type Lists interface {
	HostPage(ctx context.Context, q fleet.HostQuery) (fleet.HostPage, error)
	Facets(ctx context.Context, scope []string) (fleet.Facets, error)
	Changes(ctx context.Context, q fleet.ChangeQuery) (fleet.ChangePage, error)
	Packages(ctx context.Context, q fleet.PackageQuery) (fleet.PackagePage, error)
}

// Catalogue answers for checks. A check that does not exist is an error that
// errors.Is fs.ErrNotExist.
type Catalogue interface {
	Checks(ctx context.Context) ([]fleet.Check, error)
	Check(ctx context.Context, id string) (fleet.CheckDetail, error)
	Results(ctx context.Context, q fleet.CheckQuery) (fleet.StatePage, error)
}

// Detections answers for what rules saw. A detection that does not exist is an error
// that errors.Is fs.ErrNotExist.
type Detections interface {
	Detections(ctx context.Context, q fleet.DetectionQuery) ([]fleet.Detection, error)
	Detection(ctx context.Context, host fleet.HostID, storm string) (fleet.Detection, error)
}

// Parts answers for the hosts of a visitor's scope alone; of no scope, for all.
type Parts interface {
	ChecksOf(ctx context.Context, scope []string) ([]fleet.Check, error)
	CheckOf(ctx context.Context, id string, scope []string) (fleet.CheckDetail, error)
	TimelineOf(ctx context.Context, q fleet.TimelineQuery, scope []string) ([]fleet.Event, error)
}

// Waived says how many failed results waivers stand for, and what people decided about
// bad results.
type Waived interface {
	OnHosts(ctx context.Context, ids []fleet.HostID) (map[fleet.HostID]int, error)
	// Decisions is about one check, or about all where it is empty.
	Decisions(ctx context.Context, check string, ids []fleet.HostID) ([]fleet.Care, error)
	// ByCheck is about the hosts of a scope; of no scope, about all.
	ByCheck(ctx context.Context, scope []string) (map[string]int, error)
}

// See returns an error that errors.Is fs.ErrNotExist for a host that is not in the
// visitor's scope, and for what is no host's id.
func See(ctx context.Context, l Lists, v Visitor, id fleet.HostID) error {
	if !id.Valid() {
		return fmt.Errorf("host id: %w", fs.ErrNotExist)
	}
	if len(v.Scope) == 0 {
		return nil
	}
	p, err := l.HostPage(ctx, fleet.HostQuery{Only: []fleet.HostID{id}, Every: true, Scope: v.Scope, Size: 1})
	if err == nil && p.Total == 0 {
		err = fs.ErrNotExist
	}
	if err != nil {
		return fmt.Errorf("host %s for %s: %w", id, v.User, err)
	}
	return nil
}

// HostID returns the host that {id} in r's path names. One that is no host's id is
// not found.
func HostID(r *http.Request) (fleet.HostID, error) {
	id := fleet.HostID(r.PathValue("id"))
	if !id.Valid() {
		return "", fmt.Errorf("host id: %w", fs.ErrNotExist)
	}
	return id, nil
}
