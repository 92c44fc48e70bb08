package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"seawall/collector/fleet"
	"seawall/collector/web/frame"
	"seawall/collector/web/live"
)

// scopeEvery is how long a host that left a visitor's scope may still be on a stream.
const scopeEvery = 15 * time.Second

// change is the data of a change event, see package live.
type change struct {
	ID     int64        `json:"id"`
	Host   fleet.HostID `json:"host"`
	Name   string       `json:"name"`
	Check  string       `json:"check"`
	Status string       `json:"status"`
	Row    string       `json:"row"`
}

// changeData renders e for the stream: one line, since JSON escapes newlines.
func (s *Server) changeData(e fleet.Event) ([]byte, error) {
	row, err := s.frame.Row(s.config.Now(), e)
	if err != nil {
		s.log.Error("an event could not be rendered", "id", e.ID, "err", err)
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // it is read by the script, never by an HTML parser
	c := change{
		ID: e.ID, Host: e.Host, Name: e.HostName, Check: e.Change.Result.Check,
		Status: e.Change.Result.Status.String(), Row: row,
	}
	if err := enc.Encode(c); err != nil {
		return nil, fmt.Errorf("event %d: %w", e.ID, err)
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// events answers with the stream of a page: host and check select, since is the
// newest event that it has.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	if frame.Of(r).Program { // its token may end, and the stream would not
		http.Error(w, "this is for pages: programs have WatchChanges of the API over gRPC", http.StatusForbidden)
		return
	}
	v := r.URL.Query()
	f := live.Filter{User: frame.Of(r).User, Host: fleet.HostID(v.Get("host")), Check: v.Get("check")}
	since, err := strconv.ParseInt(v.Get("since"), 10, 64)
	listen := err != nil || since < 0
	if f.Host != "" && !f.Host.Valid() || len(f.Check) > 512 || strings.ContainsAny(f.Check, "\r\n") {
		http.Error(w, "bad filter", http.StatusBadRequest)
		return
	}
	if scope := frame.Of(r).Scope; len(scope) > 0 {
		if f.Sees, err = s.sees(r.Context(), scope); err != nil {
			s.frame.Fail(w, r, err)
			return
		}
	}
	err = s.hub.Stream(w, r, f, frame.Of(r).Done, func() ([]fleet.Event, bool, error) {
		if listen {
			return nil, true, nil
		}
		return s.missed(r.Context(), f, since)
	})
	if err != nil {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "no stream now", http.StatusServiceUnavailable)
	}
}

// sees returns which hosts a scope has, kept up to date until ctx ends. Where that
// cannot be asked for, nothing is seen.
func (s *Server) sees(ctx context.Context, scope []string) (func(fleet.HostID) bool, error) {
	var within atomic.Pointer[map[fleet.HostID]bool]
	first, err := s.config.Parts.Within(ctx, scope)
	if err != nil {
		return nil, fmt.Errorf("events of a scope: %w", err)
	}
	within.Store(&first)
	go func() {
		tick := time.NewTicker(scopeEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			hosts, err := s.config.Parts.Within(ctx, scope)
			if err != nil && ctx.Err() == nil {
				s.log.Warn("events are held back: the hosts of a scope cannot be read", "err", err)
			}
			within.Store(&hosts)
		}
	}()
	return func(id fleet.HostID) bool { return (*within.Load())[id] }, nil
}
