-- What a key is for, as names with spaces between them; null is all that its role may. Sessions keep what their key had.
ALTER TABLE api_keys ADD COLUMN scopes TEXT;
ALTER TABLE sessions ADD COLUMN scopes TEXT;
