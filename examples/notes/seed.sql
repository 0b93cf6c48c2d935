-- The table, and a few notes to start with. underpass loads this file once, in one transaction.

CREATE TABLE notes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    body text NOT NULL DEFAULT '' CHECK (length(body) <= 100000),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX notes_by_change ON notes (updated_at DESC, id DESC);

INSERT INTO notes (title, body, created_at, updated_at)
SELECT title, body, now() - age, now() - age
FROM (VALUES
    ('How this page reached you',
     'You asked for it from a VPC that has no route to this application. Even the addresses of the two may be the same.

Your request went in at an interface of your own, the endpoint, and from there:
- over PrivateLink to a node of the Network Load Balancer in the same zone
- to the Application Load Balancer, whose addresses a small function keeps registered
- to one of the tasks; the one that served you stands at the foot of this page

Nothing of it has a public address. Press “Who answers?” to see the tasks take turns.',
     interval '5 minutes'),
    ('Before Thursday’s review',
     'Questions the security team will ask:
- Which ports answer from outside? Only the endpoint’s.
- Who may connect? The accounts on the list, and each connection is accepted by hand.
- Where is the password? In Secrets Manager; the task gets it when it starts.

Bring the list of endpoints and the last failover’s timings.',
     interval '1 day'),
    ('Restore drill',
     'Last time it took 41 minutes, most of it waiting for a person.

Next time:
- write down the name of the snapshot before starting
- restore beside the old instance, not over it
- let two people read the rows that matter',
     interval '3 days'),
    ('Names for the new services',
     'Short, boring, and not after a person:
- ledger
- intake
- postroom

“atlas” is taken twice already.',
     interval '6 days'),
    ('Reading list',
     'How load balancers pick a target, and what happens to the flows they already carry: https://docs.aws.amazon.com/elasticloadbalancing/latest/network/introduction.html

Then the chapter on leases again, this time with a pencil.',
     interval '12 days'),
    ('Lunch',
     'The place under the railway arches does soup on Tuesdays. Go before twelve.',
     interval '20 days')
) AS given (title, body, age)
ORDER BY age DESC;
