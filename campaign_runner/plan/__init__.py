"""Campaign → lazy variations, packed into jobs, in an order that shows everything early; and what it costs."""
