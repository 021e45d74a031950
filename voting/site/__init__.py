"""What the pages of voters, observers and administrators share: elections, accounts, voters, mail, languages."""
