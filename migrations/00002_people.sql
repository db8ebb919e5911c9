-- +goose Up

-- Which account at the forge somebody at a source has proved to have.
CREATE TABLE identities (
    source text NOT NULL,
    team text NOT NULL,
    account text NOT NULL,
    login text NOT NULL,
    -- The forge's number of the account: a name may go to somebody else.
    forge_id bigint NOT NULL,
    linked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, team, account)
);

-- Invitations to prove that, good for once.
CREATE TABLE links (
    nonce text PRIMARY KEY,
    source text NOT NULL,
    team text NOT NULL,
    account text NOT NULL,
    name text NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz
);

-- Requests that wait for somebody to say which repository they mean.
CREATE TABLE questions (
    source text NOT NULL,
    -- The message that asked.
    key text NOT NULL,
    thread text NOT NULL,
    request json NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- The repository, or empty when nobody answered in time.
    answer text,
    answered_at timestamptz,
    PRIMARY KEY (source, key)
);

-- The repository of a channel, as people have set it.
CREATE TABLE channels (
    source text NOT NULL,
    team text NOT NULL,
    channel text NOT NULL,
    repo_id bigint NOT NULL REFERENCES repositories,
    set_by text NOT NULL,
    set_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (source, team, channel)
);

-- What people think of how a task ended.
CREATE TABLE ratings (
    task_id text NOT NULL REFERENCES tasks ON DELETE CASCADE,
    account text NOT NULL,
    good boolean NOT NULL,
    rated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (task_id, account)
);

-- The images of a request: megabytes that only its worker needs.
ALTER TABLE tasks ADD COLUMN images json;
-- A message may be owed where no repository is known yet.
ALTER TABLE notices ALTER COLUMN repo_id DROP NOT NULL;
-- By its place a message is found that somebody reacts to.
CREATE INDEX notices_message ON notices (message_id) WHERE source <> 'github' AND kind = 'task';
-- A conversation outside the forge may be about several repositories.
CREATE INDEX tasks_conversation ON tasks (source, thread, id) WHERE source <> 'github';
CREATE INDEX tasks_asker ON tasks (source, (request->'origin'->>'asker'), id) WHERE source <> 'github';
