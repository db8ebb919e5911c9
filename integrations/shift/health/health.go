// Package health takes in what monitoring says of what was merged.
package health

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"honk/fleet"
	"honk/integrations/shift/keep"
	"honk/internal/inbound"
	"honk/internal/secret"
	"honk/internal/task"
)

const (
	// Event is the delivery that says how a merge does.
	Event     = "shift.health"
	maxHealth = 64 << 10
	// signedFor is how far a signature's time may be from ours.
	signedFor = 5 * time.Minute
)

// Report is what monitoring says of what was merged into a repository.
type Report struct {
	// Repository is owner/name.
	Repository string `json:"repository"`
	// Commit is a merge; empty is all of them that are watched.
	Commit  string `json:"commit,omitempty"`
	Healthy bool   `json:"healthy"`
	Reason  string `json:"reason,omitempty"`
}

// Handler takes in what monitoring says, and has it stored as a delivery of
// Event, whose payload Parse reads. It is safe for concurrent use; the fields
// are required.
//
// Requests carry
// Honk-Timestamp, in seconds since 1970, and Honk-Signature: v1= and the
// HMAC-SHA256 of the timestamp, a full stop and the body, in hexadecimal. The
// answer is 202 once it is stored, 401 for another signature or time, 400 for
// a body that says nothing, 503 when it could not be stored.
type Handler struct {
	// Key is what requests are signed with.
	Key []byte
	// ReceiveFunc stores a delivery once.
	ReceiveFunc func(ctx context.Context, d task.Delivery) (bool, error)
	Log         *slog.Logger
}

// ServeHTTP implements http.Handler.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := inbound.Body(w, r, maxHealth)
	if !ok {
		return
	}
	at, signature := r.Header.Get("Honk-Timestamp"), r.Header.Get("Honk-Signature")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if age := time.Since(time.Unix(seconds, 0)).Abs(); err != nil || age > signedFor || !hmac.Equal([]byte(signature), []byte(Sign(h.Key, at, body))) {
		http.Error(w, "the signature does not fit, or its time is not now; compare the secret with HONK_HEALTH_SECRET", http.StatusUnauthorized)
		return
	}
	if _, err := Parse(body); err != nil {
		http.Error(w, `the body says nothing; write {"repository": "owner/name", "healthy": false, "reason": "..."}`, http.StatusBadRequest)
		return
	}
	_, err = h.ReceiveFunc(r.Context(), task.Delivery{
		Source: task.SourceShift, ID: "health/" + signature, Event: Event, Payload: body,
	})
	if err != nil {
		h.Log.ErrorContext(r.Context(), "health not stored", "error", err)
		http.Error(w, "it could not be stored; send it again", http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusAccepted)
}

// Sign returns the signature of what is said at a time.
func Sign(key []byte, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

// Parse reads what monitoring says.
func Parse(body []byte) (r Report, err error) {
	if err := json.Unmarshal(body, &r); err != nil {
		return r, task.Errorf(task.CodeInvalid, "reading what monitoring says: %w", err)
	}
	if r.Repository == "" {
		return r, task.Errorf(task.CodeInvalid, "it names no repository")
	}
	return r, nil
}

// Step lets facts work on a row.
type Step func(ctx context.Context, key fleet.Key, facts func(row *fleet.Row) *fleet.Facts) error

// Hear lets what monitoring says work on the merges that are watched.
func Hear(ctx context.Context, k *keep.Store, step Step, payload []byte) (string, error) {
	h, err := Parse(payload)
	if err != nil {
		return "", err
	}
	rows, err := k.RowsOf(ctx, h.Repository)
	if err != nil {
		return "", err
	}
	told := 0
	for i := range rows {
		if rows[i].State != fleet.Watching || h.Commit != "" && h.Commit != rows[i].PR.MergeSHA {
			continue
		}
		told++
		f := fleet.Facts{Cause: "monitoring", Health: &fleet.HealthFact{OK: h.Healthy, Reason: secret.Clean(h.Reason, 500)}}
		if err := step(ctx, rows[i].Key, func(*fleet.Row) *fleet.Facts { return &f }); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d watched merges", told), nil
}
