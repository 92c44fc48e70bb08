package api

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"

	"seawall/collector/export"
	"seawall/collector/web/download"
	"seawall/collector/web/frame"
	"seawall/collector/web/gate"
)

func notFound(what string) error { return fmt.Errorf("%s: %w", what, fs.ErrNotExist) }

// export streams a file. Its parameters are read by package export, which knows how
// they go together.
func (s *API) export(w http.ResponseWriter, r *http.Request) error {
	q, err := export.Parse(r.URL.Query(), s.frame.Now())
	if err != nil {
		return &refusal{http.StatusBadRequest, err.Error()}
	}
	if q.Sees, err = s.sees(r.Context(), frame.Of(r)); err != nil {
		return err
	}
	if q.Host != "" && q.Sees != nil && !q.Sees(q.Host) {
		return notFound("host")
	}
	select {
	case s.exporting <- struct{}{}:
		defer func() { <-s.exporting }()
	default:
		w.Header().Set("Retry-After", "10")
		return &refusal{http.StatusTooManyRequests, fmt.Sprintf("%d exports are under way: try again in a moment.", exports)}
	}
	v := frame.Of(r)
	who := v.User
	if v.Program {
		who = "token of " + who
	}
	if s.config.Exported != nil {
		if err := s.config.Exported(r.Context(), who, q.String()); err != nil {
			return fmt.Errorf("record an export: %w", err)
		}
	}
	s.frame.Log().Info("exported", "what", q.What, "format", q.Format, "who", who, "remote", gate.Remote(r))
	c := &s.config
	source := export.Source{Hosts: c.Posture.Hosts, Host: c.Posture.Host, Checks: c.Catalogue.Checks, Timeline: c.Posture.Timeline, Detections: c.Detections.Detections}
	return download.Stream(w, q.Name(), s.frame.Log(), func(w io.Writer) error {
		_, err := export.Write(r.Context(), w, source, c.Version, q)
		return err
	})
}
