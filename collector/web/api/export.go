package api

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"

	"seawall/collector/fleet"
	"seawall/collector/web/download"
	"seawall/collector/web/frame"
	"seawall/collector/web/gate"
)

func notFound(what string) error { return fmt.Errorf("%s: %w", what, fs.ErrNotExist) }

// export streams a file. Its parameters are read by package export, which knows how
// they go together.
func (s *API) export(w http.ResponseWriter, r *http.Request) error {
	sees, err := s.sees(r.Context(), frame.Of(r))
	if err != nil {
		return err
	}
	name, what, write, err := s.config.Export(r.URL.Query(), s.frame.Now(), sees)
	if err != nil {
		return &refusal{http.StatusBadRequest, err.Error()}
	}
	if host := fleet.HostID(r.URL.Query().Get("host")); host != "" && sees != nil && !sees(host) {
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
		if err := s.config.Exported(r.Context(), who, what); err != nil {
			return fmt.Errorf("record an export: %w", err)
		}
	}
	s.frame.Log().Info("exported", "what", what, "who", who, "remote", gate.Remote(r))
	return download.Stream(w, name, s.frame.Log(), func(w io.Writer) error { return write(r.Context(), w) })
}
