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

// HostID returns the host that {id} in r's path names. One that is no host's id is
// not found.
func HostID(r *http.Request) (fleet.HostID, error) {
	id := fleet.HostID(r.PathValue("id"))
	if !id.Valid() {
		return "", fmt.Errorf("host id: %w", fs.ErrNotExist)
	}
	return id, nil
}
