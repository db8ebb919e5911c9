-- +goose Up

-- Changes to many repositories. What state and data hold is package fleet's;
-- the columns are what is searched for.
CREATE TABLE shifts (
    name text PRIMARY KEY,
    owner text NOT NULL,
    phase text NOT NULL,
    generation int NOT NULL,
    manifest bytea NOT NULL,
    -- The files that the manifest names, in base64 by name.
    files json,
    state json,
    next_run_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    version bigint NOT NULL
);
CREATE INDEX shifts_next_run ON shifts (next_run_at) WHERE next_run_at IS NOT NULL;

-- The targets of shifts. They are never deleted, and outlive their tasks.
CREATE TABLE shift_rows (
    shift text NOT NULL REFERENCES shifts,
    -- owner/name
    repo text NOT NULL,
    unit text NOT NULL,
    state text NOT NULL,
    wave int NOT NULL,
    place int NOT NULL,
    want text NOT NULL,
    doing text NOT NULL,
    due_at timestamptz,
    not_before timestamptz,
    task_id text NOT NULL,
    branch text NOT NULL,
    number int NOT NULL,
    cluster text NOT NULL,
    signature text NOT NULL,
    data json,
    version bigint NOT NULL,
    PRIMARY KEY (shift, repo, unit)
);
CREATE INDEX shift_rows_state ON shift_rows (shift, state);
CREATE INDEX shift_rows_due ON shift_rows (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX shift_rows_task ON shift_rows (task_id) WHERE task_id <> '';
CREATE INDEX shift_rows_pull ON shift_rows (repo, number);
CREATE INDEX shift_rows_branch ON shift_rows (repo, branch) WHERE branch <> '';

-- What became of the targets: appended, never changed.
CREATE TABLE shift_events (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shift text NOT NULL,
    repo text NOT NULL,
    unit text NOT NULL,
    at timestamptz NOT NULL,
    from_state text NOT NULL,
    to_state text NOT NULL,
    cause text NOT NULL,
    actor text NOT NULL,
    delivery text NOT NULL,
    log text NOT NULL,
    FOREIGN KEY (shift, repo, unit) REFERENCES shift_rows
);
CREATE INDEX shift_events_row ON shift_events (shift, repo, unit, seq);

-- What an identity may still do at the forge, for all shifts and tasks.
CREATE TABLE forge_ledgers (
    identity text PRIMARY KEY,
    state json NOT NULL,
    version bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
