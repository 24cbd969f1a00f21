"""What a run is: settings, rules, recipes, objects built of them, folders; imported by evaluate/ and what follows."""
