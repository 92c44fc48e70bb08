package roster

import (
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	seawallv1 "seawall/proto/seawall/v1"
)

// Refused is the error for a host that must do something else than try again. As
// the error of a gRPC method it carries the reason to the host.
type Refused struct{ Reason seawallv1.Reason }

// Error says the reason in words.
func (r *Refused) Error() string {
	switch r.Reason {
	case seawallv1.Reason_REASON_TOKEN_UNKNOWN:
		return "the token is not known"
	case seawallv1.Reason_REASON_TOKEN_EXPIRED:
		return "the token has expired"
	case seawallv1.Reason_REASON_TOKEN_USED_UP:
		return "the token is used up"
	case seawallv1.Reason_REASON_TOKEN_REVOKED:
		return "the token is revoked"
	case seawallv1.Reason_REASON_TOKEN_SCOPE:
		return "the token is not for this host"
	case seawallv1.Reason_REASON_HOST_REVOKED:
		return "the host is revoked"
	case seawallv1.Reason_REASON_HOST_QUARANTINED:
		return "the host is quarantined: its key is used in two places, or its disk was set back"
	case seawallv1.Reason_REASON_CERTIFICATE_EXPIRED:
		return "the host's certificate has expired"
	case seawallv1.Reason_REASON_TOO_LATE:
		return "the host's certificate expired too long ago"
	case seawallv1.Reason_REASON_REJECTED:
		return "the host was rejected"
	case seawallv1.Reason_REASON_FULL:
		return "the collector takes no more hosts"
	default:
		return "the certificate or key belongs to no host"
	}
}

// GRPCStatus returns the status that tells the host.
func (r *Refused) GRPCStatus() *status.Status {
	code := codes.PermissionDenied
	switch r.Reason {
	case seawallv1.Reason_REASON_HOST_UNKNOWN, seawallv1.Reason_REASON_CERTIFICATE_EXPIRED,
		seawallv1.Reason_REASON_TOO_LATE, seawallv1.Reason_REASON_TOKEN_UNKNOWN:
		code = codes.Unauthenticated
	case seawallv1.Reason_REASON_FULL:
		code = codes.ResourceExhausted
	}
	s := status.New(code, r.Error())
	if detailed, err := s.WithDetails(&seawallv1.Refusal{Reason: r.Reason}); err == nil {
		return detailed
	}
	return s
}

func refuse(reason seawallv1.Reason) error { return &Refused{reason} }
