curl --fail http://app/
