-- +goose Up

-- Changes to many repositories. What state and data hold is package fleet's;
-- the columns are what is searched for. Whoever writes here holds the advisory
-- lock of shifts: what one target may do depends on all others.
CREATE TABLE shifts (
    name text PRIMARY KEY,
    phase text NOT NULL,
    applied_by text NOT NULL,
    state json NOT NULL,
    manifest bytea NOT NULL,
    -- The files that the manifest may name, in base64 by name.
    files json NOT NULL,
    next_run_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- The targets of shifts. They are never deleted, and outlive their tasks.
CREATE SEQUENCE shift_changes;
CREATE TABLE shift_rows (
    shift text NOT NULL REFERENCES shifts,
    -- owner/name
    repo text NOT NULL,
    unit text NOT NULL,
    state text NOT NULL,
    due_at timestamptz,
    data json NOT NULL,
    -- Grows with every change of any row.
    changed bigint NOT NULL,
    PRIMARY KEY (shift, repo, unit)
);
CREATE INDEX shift_rows_due ON shift_rows (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX shift_rows_repo ON shift_rows (lower(repo));
CREATE INDEX shift_rows_changed ON shift_rows (changed);

-- What became of the targets: appended, never changed.
CREATE TABLE shift_events (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    shift text NOT NULL,
    repo text NOT NULL,
    unit text NOT NULL,
    data json NOT NULL,
    FOREIGN KEY (shift, repo, unit) REFERENCES shift_rows
);
CREATE INDEX shift_events_row ON shift_events (shift, repo, unit, seq);

-- Manifests that somebody tries out on a few targets before applying them.
CREATE TABLE shift_samples (
    recipe text PRIMARY KEY,
    manifest bytea NOT NULL,
    files json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- What an identity may still do at the forge, for all shifts and tasks.
CREATE TABLE forge_ledgers (
    identity text PRIMARY KEY,
    state json NOT NULL
);
