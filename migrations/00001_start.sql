-- +goose Up

CREATE TABLE repositories (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host text NOT NULL,
    owner text NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    -- When a task of it was last taken: who waited longest is next.
    served_at timestamptz NOT NULL DEFAULT 'epoch',
    UNIQUE (host, owner, name)
);
CREATE INDEX repositories_served ON repositories (served_at, id);

-- What the sources report, once each. The payload goes by retention.
CREATE TABLE deliveries (
    source text NOT NULL,
    id text NOT NULL,
    event text NOT NULL,
    payload bytea NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    handled_at timestamptz,
    result text NOT NULL DEFAULT '',
    PRIMARY KEY (source, id)
);
CREATE INDEX deliveries_received ON deliveries (received_at);
-- Payloads are a few kilobytes: compressing them costs more than it saves.
ALTER TABLE deliveries ALTER COLUMN payload SET STORAGE EXTERNAL;

-- json, not jsonb: bytes from outside stay as they are, an escaped NUL too.
CREATE TABLE tasks (
    id text PRIMARY KEY,
    source text NOT NULL,
    delivery_id text NOT NULL,
    repo_id bigint NOT NULL REFERENCES repositories,
    thread text NOT NULL DEFAULT '',
    -- The branch that it goes on top of, empty for a new one: one at a time.
    branch text NOT NULL DEFAULT '',
    request json NOT NULL,
    status text NOT NULL,
    -- attempt counts the workers that took it, failures those that ended in an
    -- error worth another try, lost those that were never heard of again.
    attempt int NOT NULL DEFAULT 0,
    failures int NOT NULL DEFAULT 0,
    lost int NOT NULL DEFAULT 0,
    worker text,
    not_before timestamptz NOT NULL DEFAULT now(),
    -- Why it waits, for people: a limit, an error.
    waiting text NOT NULL DEFAULT '',
    -- Who wants it to end, and the message that said so.
    cancelled_by text,
    cancelled_key text,
    result json,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    UNIQUE (source, delivery_id)
);
CREATE INDEX tasks_queued ON tasks (repo_id, id) WHERE status = 'queued';
CREATE INDEX tasks_running ON tasks (repo_id) WHERE status = 'running';
CREATE INDEX tasks_cancelled ON tasks (id) WHERE status = 'queued' AND cancelled_by IS NOT NULL;
CREATE INDEX tasks_branch ON tasks (repo_id, branch) WHERE branch <> '' AND status IN ('queued', 'running');
CREATE INDEX tasks_thread ON tasks (repo_id, thread, id);
CREATE INDEX tasks_finished ON tasks (finished_at);

CREATE TABLE events (
    task_id text NOT NULL REFERENCES tasks ON DELETE CASCADE,
    seq int NOT NULL,
    attempt int NOT NULL,
    at timestamptz NOT NULL,
    kind text NOT NULL,
    step int NOT NULL,
    data json,
    PRIMARY KEY (task_id, seq)
);

-- The diffs of patch events.
CREATE TABLE patches (
    task_id text NOT NULL REFERENCES tasks ON DELETE CASCADE,
    seq int NOT NULL,
    base text NOT NULL,
    diff bytea NOT NULL,
    files json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (task_id, seq)
);

CREATE TABLE verdicts (
    task_id text NOT NULL REFERENCES tasks ON DELETE CASCADE,
    seq int NOT NULL,
    decision text NOT NULL,
    verdict json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (task_id, seq)
);

-- What people say to a task while it runs.
CREATE TABLE notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id text NOT NULL REFERENCES tasks ON DELETE CASCADE,
    -- The message it was said in.
    key text NOT NULL UNIQUE,
    note json NOT NULL,
    taken_at timestamptz
);
CREATE INDEX notes_new ON notes (task_id) WHERE taken_at IS NULL;

CREATE TABLE pull_requests (
    repo_id bigint NOT NULL REFERENCES repositories,
    number int NOT NULL,
    -- The task that opened it, and the latest that pushed to it.
    task_id text NOT NULL REFERENCES tasks,
    last_task_id text NOT NULL REFERENCES tasks,
    branch text NOT NULL,
    url text NOT NULL,
    head_sha text NOT NULL,
    base_ref text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT 'open',
    -- Follow-ups that Honk started by itself.
    repairs int NOT NULL DEFAULT 0,
    reviews int NOT NULL DEFAULT 0,
    -- Nothing is started by itself any more.
    muted boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    PRIMARY KEY (repo_id, number)
);
CREATE INDEX pull_requests_branch ON pull_requests (repo_id, branch);

-- Review comments that wait to become one follow-up.
CREATE TABLE feedback (
    repo_id bigint NOT NULL REFERENCES repositories,
    number int NOT NULL,
    key text NOT NULL,
    note json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    due_at timestamptz NOT NULL,
    taken_at timestamptz,
    PRIMARY KEY (repo_id, number, key)
);

-- Messages that are owed. A notice with closed_at is paid.
CREATE TABLE notices (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source text NOT NULL,
    repo_id bigint NOT NULL REFERENCES repositories,
    thread text NOT NULL,
    kind text NOT NULL,
    -- Unique within its kind: the task's ID, or what a reply answers.
    key text NOT NULL,
    task_id text REFERENCES tasks ON DELETE CASCADE,
    body text NOT NULL DEFAULT '',
    message_id text NOT NULL DEFAULT '',
    wanted int NOT NULL DEFAULT 1,
    posted int NOT NULL DEFAULT 0,
    -- Who is posting it, and since when a try may have posted it.
    leased_by text,
    leased_until timestamptz,
    tried_at timestamptz,
    posted_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    closed_at timestamptz,
    UNIQUE (source, kind, key)
);
CREATE INDEX notices_open ON notices (id) WHERE closed_at IS NULL;
CREATE INDEX notices_task ON notices (task_id);

-- Money and tokens by scope: a task, a repository's day, a day.
CREATE TABLE budgets (
    scope text PRIMARY KEY,
    spent_usd double precision NOT NULL DEFAULT 0,
    spent_tokens bigint NOT NULL DEFAULT 0,
    reserved_usd double precision NOT NULL DEFAULT 0,
    reserved_tokens bigint NOT NULL DEFAULT 0,
    touched_at timestamptz NOT NULL DEFAULT now()
);

-- What is set aside for calls that are under way. Whoever takes over a task
-- books what the worker before left here.
CREATE TABLE reservations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id text NOT NULL,
    attempt int NOT NULL,
    scopes text[] NOT NULL,
    usd double precision NOT NULL,
    tokens bigint NOT NULL
);
CREATE INDEX reservations_task ON reservations (task_id);

-- Processes that work. One that has not been seen for a while is dead.
CREATE TABLE workers (
    id text PRIMARY KEY,
    host text NOT NULL,
    started_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now()
);

-- Forge tokens that are not revoked yet, sealed: a killed process's are
-- revoked by the next.
CREATE TABLE tokens (
    id text PRIMARY KEY,
    worker text NOT NULL,
    sealed bytea NOT NULL,
    expires_at timestamptz NOT NULL
);
