package github

import (
	"io"
	"mime"
	"net/http"
	"regexp"

	"honk/integrations/github/event"
	"honk/integrations/github/markdown"
	"honk/internal/grammar"
	"honk/internal/inbound"
	"honk/internal/task"
)

// guid is the form of X-GitHub-Delivery.
var guid = regexp.MustCompile(`^[0-9A-Za-z-]{8,64}$`)

// ServeHTTP takes a webhook in. It answers 202 once the delivery is stored,
// 200 for what means nothing to Honk, 401 for a bad signature, 503 when the
// delivery could not be stored: GitHub shows it as failed and Reconcile
// fetches it.
func (d *Door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, ok := inbound.Body(w, r, event.MaxPayload)
	if !ok {
		return
	}
	// Nothing of the body is looked at before this.
	if !event.Verify(body, r.Header.Get("X-Hub-Signature-256"), d.secrets()...) {
		http.Error(w, "the signature does not fit; compare the webhook secret with HONK_GITHUB_WEBHOOK_SECRET", http.StatusUnauthorized)
		return
	}
	delivery := task.Delivery{
		Source: task.SourceGitHub, ID: r.Header.Get("X-GitHub-Delivery"), Event: r.Header.Get("X-GitHub-Event"), Payload: body,
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		http.Error(w, "set the webhook's content type to application/json", http.StatusUnsupportedMediaType)
		return
	}
	if !guid.MatchString(delivery.ID) {
		http.Error(w, "X-GitHub-Delivery is missing", http.StatusBadRequest)
		return
	}
	d.take(w, r, delivery)
}

func (d *Door) secrets() []string {
	var list []string
	for _, s := range d.WebhookSecrets {
		list = append(list, s.Reveal())
	}
	return list
}

// take stores a delivery that means something.
func (d *Door) take(w http.ResponseWriter, r *http.Request, delivery task.Delivery) {
	wanted, err := d.relevant(delivery)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !wanted {
		answer(w, http.StatusOK, "nothing to do")
		return
	}
	created, err := d.Queue.Receive(r.Context(), delivery)
	switch {
	case err != nil:
		d.Log.ErrorContext(r.Context(), "delivery not stored", "delivery_id", delivery.ID, "error", err)
		http.Error(w, "the delivery could not be stored; send it again", http.StatusServiceUnavailable)
	case created:
		answer(w, http.StatusAccepted, "accepted")
	default:
		answer(w, http.StatusAccepted, "known")
	}
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	// Whoever has hung up reads no answer.
	_, _ = io.WriteString(w, text+"\n")
}

// relevant reports whether there is anything to do about a delivery: most
// comments and pushes are not for Honk, and those are not even stored.
func (d *Door) relevant(del task.Delivery) (bool, error) {
	if del.Event == "ping" || del.Event == "push" && d.MovedFunc == nil && d.Manifests.Repo == "" || !event.Wanted(del.Event, event.Action(del.Payload)) {
		return false, nil
	}
	e, err := event.Parse(del.Event, del.Payload)
	if err != nil {
		return false, err
	}
	switch e.Name + " " + e.Action {
	case "issue_comment created", "pull_request_review_comment created":
		return hasCommand(e.Comment.Body), nil
	case "push ":
		return e.Push.Branch == e.Repository.DefaultBranch && (d.MovedFunc != nil || d.Manifests.has(e)), nil
	case "pull_request opened", "pull_request ready_for_review":
		return d.Manifests.has(e), nil
	}
	return true, nil
}

func hasCommand(body string) bool {
	clean, _ := markdown.Strip(body)
	_, ok := grammar.Find(clean, trigger)
	return ok
}
