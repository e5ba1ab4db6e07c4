-- Users, what their roles permit, and what proves who a request is from. New tables only:
-- the binary before this one reads none of them.
CREATE TABLE users (
    id UUID PRIMARY KEY,
    username TEXT COLLATE "C" NOT NULL
        CHECK (username ~ '^[a-zA-Z0-9][a-zA-Z0-9._@-]{0,63}$'),
    -- Argon2id, as a PHC string.
    password_hash TEXT NOT NULL,
    enabled BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
-- `Anna` and `anna` are one person.
CREATE UNIQUE INDEX users_username ON users (lower(username));

CREATE TABLE roles (
    name TEXT COLLATE "C" PRIMARY KEY CHECK (name ~ '^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$'),
    description TEXT NOT NULL,
    permissions TEXT [] NOT NULL,
    -- Cannot be deleted.
    built_in BOOLEAN NOT NULL
);

INSERT INTO roles (name, description, permissions, built_in)
VALUES
('admin', 'May do everything', '{*}', true),
('user', 'What every new user has unless other roles are named', '{}', true);

CREATE TABLE user_roles (
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role TEXT COLLATE "C" NOT NULL REFERENCES roles (name),
    PRIMARY KEY (user_id, role)
);
CREATE INDEX user_roles_role ON user_roles (role);

-- A user with what the roles add up to.
CREATE VIEW users_with_rights AS
SELECT
    users.id,
    users.username,
    users.enabled,
    users.created_at,
    users.updated_at,
    ARRAY(
        SELECT held.role
        FROM user_roles AS held
        WHERE held.user_id = users.id
        ORDER BY held.role
    ) AS roles,
    ARRAY(
        SELECT DISTINCT permission
        FROM user_roles AS held
        INNER JOIN roles ON held.role = roles.name
        CROSS JOIN unnest(roles.permissions) AS permission
        WHERE held.user_id = users.id
        ORDER BY permission
    ) AS permissions
FROM users;

-- Logins that have not ended: a session ends when its row goes.
CREATE TABLE sessions (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX sessions_user_id ON sessions (user_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

CREATE TABLE tokens (
    id UUID PRIMARY KEY,
    user_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- SHA-256 of the token. The token itself is kept nowhere.
    digest BYTEA NOT NULL UNIQUE CHECK (octet_length(digest) = 32),
    scopes TEXT [] NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    -- Never, if null.
    expires_at TIMESTAMPTZ,
    last_used_at TIMESTAMPTZ,
    revoked_at TIMESTAMPTZ
);
CREATE INDEX tokens_user_id ON tokens (user_id);

-- Failed logins of one subject (a username or a client's address) in one window.
CREATE TABLE login_failures (
    -- Digests, because people type passwords into the wrong field.
    subject BYTEA PRIMARY KEY,
    failures INTEGER NOT NULL,
    since TIMESTAMPTZ NOT NULL
);
CREATE INDEX login_failures_since ON login_failures (since);
