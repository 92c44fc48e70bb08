package refusal

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	seawallv1 "seawall/proto/seawall/v1"
)

func refused(reason seawallv1.Reason) error {
	st, err := status.New(codes.PermissionDenied, "no").WithDetails(&seawallv1.Refusal{Reason: reason})
	if err != nil {
		return err
	}
	return st.Err()
}

func TestRefusalWords(t *testing.T) {
	for err, want := range map[error]string{
		errors.New("x"): "",
		refused(seawallv1.Reason_REASON_HOST_QUARANTINED): "host quarantined",
		refused(99): "99",
		Call("x", refused(seawallv1.Reason_REASON_HOST_UNKNOWN)): "host unknown",
		status.Error(codes.PermissionDenied, "x"):                "",
	} {
		if got := Word(Reason(err)); got != want {
			t.Errorf("%v: %q, want %q", err, got, want)
		}
	}
}

func TestCall(t *testing.T) {
	err := Call("say hello", refused(seawallv1.Reason_REASON_HOST_REVOKED))
	if got := err.Error(); got != "say hello: PermissionDenied: no" {
		t.Errorf("error %q", got)
	}
}

func TestPatience(t *testing.T) {
	for reason, want := range map[seawallv1.Reason]time.Duration{
		seawallv1.Reason_REASON_UNSPECIFIED:         time.Minute,
		seawallv1.Reason_REASON_CERTIFICATE_EXPIRED: time.Minute,
		seawallv1.Reason_REASON_HOST_REVOKED:        15 * time.Minute,
		seawallv1.Reason_REASON_HOST_QUARANTINED:    15 * time.Minute,
		99:                                          15 * time.Minute,
	} {
		if got := Patience(reason, time.Minute); got != want {
			t.Errorf("%v: %v, want %v", reason, got, want)
		}
	}
	if got := Patience(seawallv1.Reason_REASON_HOST_REVOKED, time.Hour); got != time.Hour {
		t.Errorf("%v is less than usual", got)
	}
}
