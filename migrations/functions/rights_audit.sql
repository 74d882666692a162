-- The grants themselves stand at the end of each file of this folder. This view lists what the database really has, to be
-- compared with what the last migration gave (MR-85).

CREATE VIEW rights AS
  WITH relations AS (
    SELECT c.* FROM pg_class c WHERE c.relnamespace = 'holdfast'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
  ), functions AS (
    SELECT p.* FROM pg_proc p WHERE p.pronamespace = 'holdfast'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
  ), granted AS (
    SELECT c.relname::text AS object, 'holdfast.' AS place, a.grantee, a.privilege_type AS privilege, '' AS columns, a.is_grantable
      FROM relations c, aclexplode(c.relacl) a WHERE a.grantee <> c.relowner
    UNION ALL
    SELECT c.relname, 'holdfast.', a.grantee, a.privilege_type, format(' (%s)', string_agg(t.attname, ', ' ORDER BY t.attnum)), a.is_grantable
      FROM relations c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a WHERE a.grantee <> c.relowner
      GROUP BY c.relname, a.grantee, a.privilege_type, a.is_grantable
    UNION ALL
    SELECT p.oid::regprocedure::text, 'FUNCTION holdfast.', a.grantee, a.privilege_type, '', a.is_grantable
      FROM functions p, aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee <> p.proowner
    UNION ALL
    -- Who creates something in the schema could have it taken for ours.
    SELECT n.nspname, 'SCHEMA ', a.grantee, a.privilege_type, '', a.is_grantable
      FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'holdfast' AND a.grantee <> n.nspowner
    UNION ALL
    -- With `session_replication_role` triggers are turned off.
    SELECT s.parname, 'PARAMETER ', a.grantee, a.privilege_type, '', a.is_grantable FROM pg_parameter_acl s, aclexplode(s.paracl) a
  ), named AS (
    SELECT *, CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END AS role FROM granted
      WHERE grantee = 0 OR grantee = to_regrole('holdfast_service') OR (place, privilege) NOT IN (('holdfast.', 'SELECT'), ('SCHEMA ', 'USAGE'))
  )
  SELECT object, concat('GRANT ', string_agg(privilege || columns, ', ' ORDER BY privilege || columns COLLATE "C"), ' ON ', place, object, ' TO ', role,
      CASE WHEN is_grantable THEN ' WITH GRANT OPTION' END, ';') AS line
    FROM named GROUP BY object, place, role, is_grantable
  UNION ALL
  SELECT 'holdfast_service', format('GRANT %s TO holdfast_service;', m.roleid::regrole)
    FROM pg_auth_members m WHERE m.member = to_regrole('holdfast_service')
  UNION ALL
  SELECT r.rolname, format('ALTER ROLE %I %s;', r.rolname, attribute)
    FROM pg_roles r, LATERAL (VALUES ('SUPERUSER', r.rolsuper), ('CREATEROLE', r.rolcreaterole), ('CREATEDB', r.rolcreatedb),
      ('BYPASSRLS', r.rolbypassrls), ('REPLICATION', r.rolreplication)) AS has (attribute, yes)
    WHERE r.rolname = 'holdfast_service' AND yes
  UNION ALL
  SELECT c.relname, format('ALTER TABLE holdfast.%I OWNER TO %s;', c.relname, c.relowner::regrole)
    FROM relations c, relations ours WHERE ours.relname = 'schema_migrations' AND c.relowner <> ours.relowner
  UNION ALL
  SELECT p.oid::regprocedure::text, format('ALTER FUNCTION holdfast.%s OWNER TO %s;', p.oid::regprocedure, p.proowner::regrole)
    FROM functions p, relations ours WHERE ours.relname = 'schema_migrations' AND p.proowner <> ours.relowner;
COMMENT ON VIEW rights IS
$$Every right to the schema but its owner's, as the statement that gives it: on tables, columns and functions, to PUBLIC, to
the service and to others (whose reading is the operator's business); what makes the service more than it should be; and what
belongs to another role than the schema does. A function without a list of its own may be executed by PUBLIC.
Rules: MR-85.$$;

GRANT USAGE ON SCHEMA holdfast TO holdfast_service;
GRANT SELECT ON rights, expected_rights TO holdfast_service;
