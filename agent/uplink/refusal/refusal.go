// Package refusal tells what a collector means by an error: whom it does not want,
// in which words people read that, and how long to leave it alone.
package refusal

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc/status"

	seawallv1 "seawall/proto/seawall/v1"
)

// callError is an error of gRPC in fewer words than gRPC's.
type callError struct {
	what   string
	status *status.Status
}

// Call says what failed in fewer words than gRPC, whose error err is.
func Call(what string, err error) error { return &callError{what, status.Convert(err)} }

// Error says what failed and how.
func (e *callError) Error() string {
	return fmt.Sprintf("%s: %s: %s", e.what, e.status.Code(), e.status.Message())
}

// GRPCStatus returns what the collector said.
func (e *callError) GRPCStatus() *status.Status { return e.status }

// Reason returns why the collector does not want this host, if that is the error.
func Reason(err error) seawallv1.Reason {
	var said interface{ GRPCStatus() *status.Status }
	if !errors.As(err, &said) {
		return seawallv1.Reason_REASON_UNSPECIFIED
	}
	for _, detail := range said.GRPCStatus().Details() {
		if r, ok := detail.(*seawallv1.Refusal); ok {
			return r.GetReason()
		}
	}
	return seawallv1.Reason_REASON_UNSPECIFIED
}

// Word returns a reason as people read it in the state: "host revoked".
func Word(r seawallv1.Reason) string {
	if r == seawallv1.Reason_REASON_UNSPECIFIED {
		return ""
	}
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(r.String(), "REASON_"), "_", " "))
}

// maxRefused bounds the pause after a refusal that only a person can undo.
const maxRefused = 15 * time.Minute

// Patience returns the longest pause after an error of that kind.
func Patience(r seawallv1.Reason, usual time.Duration) time.Duration {
	switch r {
	case seawallv1.Reason_REASON_UNSPECIFIED, seawallv1.Reason_REASON_CERTIFICATE_EXPIRED:
		return usual
	}
	return max(usual, maxRefused)
}
