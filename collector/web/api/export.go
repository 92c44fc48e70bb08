package api

import (
	"fmt"
	"io"
	"net/http"

	"seawall/collector/fleet"
	"seawall/collector/web/download"
	"seawall/collector/web/frame"
	"seawall/collector/web/gate"
	"seawall/collector/web/rest"
)

// export streams a file. Its parameters are read by package export, which knows how
// they go together.
func (s *API) export(w http.ResponseWriter, r *http.Request) error {
	sees, err := s.rest.Sees(r.Context(), frame.Of(r))
	if err != nil {
		return err
	}
	name, what, write, err := s.config.Export(r.URL.Query(), s.frame.Now(), sees)
	if err != nil {
		return rest.Refuse(http.StatusBadRequest, err.Error())
	}
	if host := fleet.HostID(r.URL.Query().Get("host")); host != "" && sees != nil && !sees(host) {
		return rest.NotFound("host")
	}
	who := rest.Who(frame.Of(r))
	if s.config.Exported != nil {
		if err := s.config.Exported(r.Context(), who, what); err != nil {
			return fmt.Errorf("record an export: %w", err)
		}
	}
	s.frame.Log().Info("exported", "what", what, "who", who, "remote", gate.Remote(r))
	return download.Stream(w, name, s.frame.Log(), func(w io.Writer) error { return write(r.Context(), w) })
}
