package enrol

import (
	"errors"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"seawall/pkg/text"
	seawallv1 "seawall/proto/seawall/v1"
)

// maxMessage is how much of an error is kept, with the collector's words in it.
const maxMessage = 400

// Problem is an error that a person must mend: trying again would not.
type Problem struct {
	Reason seawallv1.Reason // the collector's, if it is one of the collector's
	Err    error
}

// Error says what went wrong and what to do about it.
func (p *Problem) Error() string {
	if remedy := remedy(p.Reason); remedy != "" {
		return p.Err.Error() + ": " + remedy
	}
	return p.Err.Error()
}

// Unwrap returns the error without what to do about it.
func (p *Problem) Unwrap() error { return p.Err }

// spoilt reports whether the key itself is not welcome any more.
func (p *Problem) spoilt() bool {
	return p.Reason == seawallv1.Reason_REASON_HOST_REVOKED || p.Reason == seawallv1.Reason_REASON_HOST_QUARANTINED
}

// GRPCStatus returns the refusal as the collector said it, for who asks what it was.
func (p *Problem) GRPCStatus() *status.Status {
	s := status.New(codes.PermissionDenied, p.Err.Error())
	if p.Reason == seawallv1.Reason_REASON_UNSPECIFIED {
		return s
	}
	if with, err := s.WithDetails(&seawallv1.Refusal{Reason: p.Reason}); err == nil {
		s = with
	}
	return s
}

// newToken is what to do where a token is no good.
const newToken = "make a new one (seawall-collector token create), and put it in the token file or run seawall-uplink enroll"

// remedy says what to do about a refusal, or nothing.
func remedy(r seawallv1.Reason) string {
	switch r {
	case seawallv1.Reason_REASON_TOKEN_UNKNOWN, seawallv1.Reason_REASON_TOKEN_EXPIRED, seawallv1.Reason_REASON_TOKEN_USED_UP,
		seawallv1.Reason_REASON_TOKEN_REVOKED, seawallv1.Reason_REASON_TOKEN_SCOPE:
		return newToken
	case seawallv1.Reason_REASON_HOST_REVOKED, seawallv1.Reason_REASON_HOST_UNKNOWN:
		return "to enrol this machine as a new host, put a new token in the token file"
	case seawallv1.Reason_REASON_TOO_LATE:
		return "to enrol this host again, put a new token in the token file"
	case seawallv1.Reason_REASON_HOST_QUARANTINED:
		return "its key is used in two places; release the right one (seawall-collector host release), give the other a new token"
	case seawallv1.Reason_REASON_REJECTED:
		return "a person said no"
	case seawallv1.Reason_REASON_FULL:
		return "the collector takes no more hosts"
	}
	return ""
}

// refusal returns what the collector refused, and nil for any other error.
func refusal(err error) *Problem {
	s, ok := status.FromError(err)
	if !ok {
		return nil
	}
	for _, detail := range s.Details() {
		if r, ok := detail.(*seawallv1.Refusal); ok && r.GetReason() != seawallv1.Reason_REASON_UNSPECIFIED {
			return &Problem{r.GetReason(), errors.New(Word(r.GetReason()))}
		}
	}
	return nil
}

// Word returns a reason as people read it: "host revoked".
func Word(r seawallv1.Reason) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(r.String(), "REASON_"), "_", " "))
}

// Reason is the inverse of Word; what no word says is no reason.
func Reason(word string) seawallv1.Reason {
	for n := range seawallv1.Reason_name {
		if r := seawallv1.Reason(n); Word(r) == word {
			return r
		}
	}
	return seawallv1.Reason_REASON_UNSPECIFIED
}

// plain makes an error, part of which is the collector's, one line.
func plain(err error) string { return text.Terminal(text.Clean(err.Error(), maxMessage)) }
